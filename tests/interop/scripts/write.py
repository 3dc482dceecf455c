"""Publishes one message, described as JSON on stdin, and waits for its confirmation: write.py HOST PORT VHOST"""
import json
import sys

import pika

host, port, vhost = sys.argv[1:]
message = json.load(sys.stdin)
connection = pika.BlockingConnection(pika.ConnectionParameters(host, int(port), vhost))
channel = connection.channel()
channel.confirm_delivery()
properties = pika.BasicProperties(headers=message.get("headers"), **message.get("properties", {}))
channel.basic_publish("comms", "orders", message["body"].encode(), properties, mandatory=True)
connection.close()
