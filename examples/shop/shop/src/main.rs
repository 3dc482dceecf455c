//! The whole shop in one process.

comms::main!(shop, shop_orders, shop_billing, shop_notifications, shop_loadgen);
