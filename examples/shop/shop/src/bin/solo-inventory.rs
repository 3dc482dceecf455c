//! The inventory alone, for the test that runs the shop in several processes.

comms::main!(shop_inventory);
