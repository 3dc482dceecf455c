//! The payment provider as a process of its own.

comms::main!(shop_payments);
