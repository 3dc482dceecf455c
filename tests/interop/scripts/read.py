"""Takes one message off a queue and prints it as JSON: read.py HOST PORT VHOST QUEUE

Declares the queue before, binds it to the exchange `comms` with the topic `orders`, and prints `ready`.
"""
import json
import sys

import pika

host, port, vhost, queue = sys.argv[1:]
connection = pika.BlockingConnection(pika.ConnectionParameters(host, int(port), vhost))
channel = connection.channel()
channel.queue_declare(queue)
channel.queue_bind(queue, "comms", "orders")
print("ready", flush=True)
for method, properties, body in channel.consume(queue, inactivity_timeout=60):
    if method is None:
        sys.exit("no message came within 60 s")
    channel.basic_ack(method.delivery_tag)
    print(
        json.dumps(
            {
                "exchange": method.exchange,
                "routing_key": method.routing_key,
                "headers": properties.headers,
                "content_type": properties.content_type,
                "delivery_mode": properties.delivery_mode,
                "message_id": properties.message_id,
                "type": properties.type,
                "timestamp": properties.timestamp,
                "body": body.decode(),
            }
        ),
        flush=True,
    )
    break
connection.close()
