//! The inventory of the shop as a process of its own.

comms::main!(shop_inventory);
