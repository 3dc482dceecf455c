"""FastStream as a contestant of `bench/run`: told what to do on standard input, a line each, and answers on standard output.

    party.py URL NAME BYTES

`publish N` publishes so many, with at most 256 unconfirmed, and says `published`; `attach` begins to consume and says `attached`; `expect N`
has it say `first` and `all` when so many were handled; `leave` ends it. It says `ready` once its queue, topic or stream is declared.
"""

import asyncio
import sys

from faststream.middlewares import AckPolicy

WINDOW = 256
PREFETCH = 256


class Party:
    def __init__(self, size: int) -> None:
        self.event = {"id": 1_000_000, "text": "x" * (size - 28)}
        self.left = self.expected = 0

    def handled(self, event: dict) -> None:
        assert event["id"] == 1_000_000
        if self.left == self.expected:
            say("first")
        self.left -= 1
        if self.left == 0:
            say("all")

    async def publish_all(self, count: int) -> None:
        window = asyncio.Semaphore(WINDOW)

        async def publish() -> None:
            await self.publish()
            window.release()

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                await window.acquire()
                group.create_task(publish())


class Rabbit(Party):
    """A durable quorum queue, persistent messages, confirms."""

    async def join(self, url: str, name: str) -> None:
        from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
        from faststream.rabbit.schemas.queue import QueueType

        self.queue = RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True)
        self.broker = RabbitBroker(url, default_channel=Channel(prefetch_count=PREFETCH), logger=None)

        @self.broker.subscriber(self.queue)
        async def on_shipped(event: dict) -> None:
            self.handled(event)

        await self.broker.connect()
        await self.broker.declare_queue(self.queue)

    async def publish(self) -> None:
        await self.broker.publish(self.event, self.queue, persist=True)


class Kafka(Party):
    """A topic of eight partitions, acknowledged by all replicas, offsets committed after the handler."""

    async def join(self, url: str, name: str) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic
        from faststream.kafka import KafkaBroker

        server, self.topic = url.removeprefix("kafka://").rstrip("/"), name
        admin = AIOKafkaAdminClient(bootstrap_servers=server)
        await admin.start()
        await admin.create_topics([NewTopic(name, num_partitions=8, replication_factor=1)])
        await admin.close()
        self.broker = KafkaBroker(server, acks="all", enable_idempotence=True, logger=None)

        @self.broker.subscriber(name, group_id="bench", auto_offset_reset="earliest", ack_policy=AckPolicy.ACK)
        async def on_shipped(event: dict) -> None:
            self.handled(event)

        await self.broker.connect()

    async def publish(self) -> None:
        await self.broker.publish(self.event, self.topic)


class Redis(Party):
    """A stream with a group."""

    async def join(self, url: str, name: str) -> None:
        from faststream.redis import RedisBroker, StreamSub
        from redis.asyncio import Redis as Client

        self.stream = name
        async with Client.from_url(url) as client:
            await client.xgroup_create(name, "bench", "$", mkstream=True)
        self.broker = RedisBroker(url, max_connections=2 * WINDOW, logger=None)

        @self.broker.subscriber(stream=StreamSub(name, group="bench", consumer="one", max_records=PREFETCH))
        async def on_shipped(event: dict) -> None:
            self.handled(event)

        await self.broker.connect()

    async def publish(self) -> None:
        await self.broker.publish(self.event, stream=self.stream)


def say(word: str) -> None:
    print(word, flush=True)


async def main(url: str, name: str, size: str) -> None:
    kinds = {"amqp": Rabbit, "kafka": Kafka, "redis": Redis}
    party = kinds[url.split(":")[0]](int(size))
    await party.join(url, name)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say("ready")
    tasks = set()
    while line := (await reader.readline()).decode().split():
        match line:
            case ["publish", count]:
                # Beside the next command: messages are published and handled at once.
                task = asyncio.create_task(party.publish_all(int(count)))
                task.add_done_callback(lambda done: (tasks.discard(done), done.result(), say("published")))
                tasks.add(task)
            case ["attach"]:
                await party.broker.start()
                say("attached")
            case ["expect", count]:
                party.expected = party.left = int(count)
            case ["leave"]:
                break
    await party.broker.stop()


asyncio.run(main(*sys.argv[1:]))
