"""Serves the inventory with grpcio: the article that a call is about says what happens to it.

    server.py PROTO_FOLDER

Prints its port, and serves until it is killed.
"""

import sys
import threading
from concurrent import futures

import generated

generated.generate(sys.argv[1])

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.empty_pb2 import Empty
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from shop.common.v1.money_pb2 import Money
from shop.inventory.v1 import inventory_pb2 as messages
from shop.inventory.v1.inventory_pb2_grpc import InventoryServicer, add_InventoryServicer_to_server

cancelled = threading.Semaphore(0)


def until_left(context):
    """Waits until the caller has left, or its deadline has passed."""
    left = threading.Event()
    if not context.add_callback(left.set):
        left.set()
    left.wait()
    cancelled.release()


def packed(message):
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def refusal():
    wrong = error_details_pb2.BadRequest.FieldViolation(field="article.sku", description="there is none")
    details = [
        packed(error_details_pb2.BadRequest(field_violations=[wrong])),
        packed(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=7))),
        packed(error_details_pb2.ErrorInfo(reason="NO_ARTICLE", domain="shop.example", metadata={"sku": "missing"})),
    ]
    status = rpc_status.to_status(status_pb2.Status(code=code_pb2.NOT_FOUND, message="no such article", details=details))
    return status._replace(trailing_metadata=(*status.trailing_metadata, ("x-shelf", "empty")))


class Inventory(InventoryServicer):
    def Reserve(self, request, context):
        sku = request.article.sku
        if sku == "missing":
            context.abort_with_status(refusal())
        if sku == "large":
            return messages.Reservation(context={"padding": "x" * (5 << 20)})
        if sku == "slow":
            until_left(context)
        if sku == "left":
            # How many of the calls before were left, once so many were.
            for _ in range(request.quantity):
                assert cancelled.acquire(timeout=20), "nobody has left"
        told = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        told.update({key: value.hex() for key, value in context.invocation_metadata() if isinstance(value, bytes)})
        remaining = context.time_remaining()
        told["remaining"] = str(remaining)
        return messages.Reservation(total=Money(currency="EUR", cents=request.quantity * 250), context=told)

    def Watch(self, request, context):
        context.send_initial_metadata((("x-shelf", "full"),))
        if request.article.sku == "endless":
            # At once: a stream that is left is not asked for more.
            left = threading.Event()
            context.add_callback(lambda: (cancelled.release(), left.set()))
        for number in range(request.count):
            yield messages.Level(number=number, padding=b"7" * request.padding)
        if request.article.sku == "endless":
            left.wait()
        if request.article.sku == "missing":
            context.abort_with_status(refusal())

    def Receive(self, deliveries, context):
        receipt = messages.Receipt()
        for delivery in deliveries:
            receipt.deliveries += 1
            receipt.quantity += delivery.quantity
        return receipt

    def Haggle(self, offers, context):
        for offer in offers:
            yield messages.Offer(price=Money(currency=offer.price.currency, cents=offer.price.cents // 2))

    def Close(self, request, context):
        return Empty()


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), compression=grpc.Compression.Gzip if "gzip" in sys.argv else None)
add_InventoryServicer_to_server(Inventory(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
