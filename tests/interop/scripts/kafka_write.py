"""Publishes one message, described as JSON on stdin, and waits for its confirmation: kafka_write.py HOST PORT TOPIC"""
import json
import sys

from kafka import KafkaProducer

host, port, topic = sys.argv[1:]
message = json.load(sys.stdin)
producer = KafkaProducer(bootstrap_servers=f"{host}:{port}", acks="all")
key = message.get("key")
headers = [(name, value.encode()) for name, value in message.get("headers", {}).items()]
producer.send(topic, message["body"].encode(), key=key and key.encode(), headers=headers).get(timeout=60)
producer.close()
