//! The whole shop in one process.

comms::main!(shop, shop_orders, shop_inventory, shop_billing, shop_payments, shop_notifications, shop_loadgen);
