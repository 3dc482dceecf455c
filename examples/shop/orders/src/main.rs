//! The orders of the shop as a process of their own.

comms::main!(shop_orders);
