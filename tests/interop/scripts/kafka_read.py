"""Reads messages of a topic from its start and prints each as JSON: kafka_read.py HOST PORT TOPIC COUNT

Says to each which partition this client would choose for its key.
"""
import json
import sys

from kafka import KafkaConsumer
from kafka.partitioner.default import murmur2

host, port, topic, count = sys.argv[1:]
consumer = KafkaConsumer(
    topic,
    bootstrap_servers=f"{host}:{port}",
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    group_id="python",
    consumer_timeout_ms=60_000,
)
left = int(count)
for message in consumer:
    partitions = len(consumer.partitions_for_topic(topic))
    print(
        json.dumps(
            {
                "headers": {name: value.decode() for name, value in message.headers},
                "key": message.key and message.key.decode(),
                "body": message.value.decode(),
                "partition": message.partition,
                "chosen": message.key and (murmur2(message.key) & 0x7FFFFFFF) % partitions,
            }
        ),
        flush=True,
    )
    left -= 1
    if left == 0:
        break
if left:
    sys.exit("not all messages came within 60 s")
