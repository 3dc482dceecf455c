//! The load generator as a process of its own.

comms::main!(shop_loadgen);
