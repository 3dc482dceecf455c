"""Calls the inventory at the address given with grpcio: every kind of method, errors, deadlines.

    client.py ADDRESS PROTO_FOLDER [CA [CERTIFICATE KEY]] [refused]

With a CA, over TLS with what it trusts, and with a certificate of its own. `refused` at the end: no call must get through.

Prints `ok` at the end; fails with what it saw otherwise. The Python code of the `.proto` files is generated into a
temporary folder.
"""

import sys

import generated
import grpc

address, protos, *files = sys.argv[1:]
must_fail = files[-1:] == ["refused"]
ca, certificate, key, *_ = [open(file, "rb").read() for file in files[: len(files) - must_fail]] + [None] * 3
generated.generate(protos)


def connect():
    if ca is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, certificate))


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call was answered")


if must_fail:
    with connect() as channel:
        close = channel.unary_unary("/shop.inventory.v1.Inventory/Close")
        code, details = refused(lambda: close(b"", timeout=20))
    assert code == grpc.StatusCode.UNAVAILABLE, (code, details)
    assert details, "why is not said"
    print(details)
    print("ok")
    sys.exit()

with connect() as channel:
    from google.protobuf.empty_pb2 import Empty
    from shop.common.v1.money_pb2 import Article, Money
    from shop.inventory.v1 import inventory_pb2 as messages
    from shop.inventory.v1.inventory_pb2_grpc import InventoryStub

    stub = InventoryStub(channel)

    def reserve(sku, **options):
        return stub.Reserve(messages.ReserveRequest(article=Article(sku=sku), quantity=4), **options)

    # Unary, with a well-known type, an imported type, and metadata into the context.
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = [("x-request-id", "order/17"), ("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]
    reservation = reserve("chair", metadata=metadata, timeout=20)
    assert reservation.total == Money(currency="EUR", cents=1000), reservation
    assert reservation.until.seconds == 1_800_000_000, reservation
    assert reservation.context["correlation"] == "order/17", reservation
    assert reservation.context["trace"] == trace, reservation
    assert "deadline" in reservation.context, reservation
    assert stub.Close(Empty()) == Empty()

    # A stream of answers.
    levels = stub.Watch(messages.WatchRequest(article=Article(sku="chair"), count=100))
    assert [level.number for level in levels] == list(range(100))

    # A stream of requests.
    deliveries = (messages.Delivery(article=Article(sku="chair"), quantity=n) for n in range(1, 101))
    assert stub.Receive(deliveries) == messages.Receipt(deliveries=100, quantity=5050)

    # Both.
    offers = (messages.Offer(price=Money(currency="EUR", cents=cents)) for cents in (800, 400, 200))
    assert [offer.price.cents for offer in stub.Haggle(offers)] == [400, 200, 100]

    # Errors, a panic, a deadline, a method that is not there.
    hidden = "the service failed; its log says why"
    for sku, expected in {
        "missing": (grpc.StatusCode.FAILED_PRECONDITION, "there is no article `missing`"),
        "busy": (grpc.StatusCode.UNAVAILABLE, "the service can't do it now; try again later"),
        "broken": (grpc.StatusCode.INTERNAL, hidden),
        "panic": (grpc.StatusCode.INTERNAL, hidden),
    }.items():
        assert refused(lambda: reserve(sku)) == expected, (sku, refused(lambda: reserve(sku)))
    assert refused(lambda: reserve("slow", timeout=0.2))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    late = stub.Watch(messages.WatchRequest(article=Article(sku="late"), count=2))
    assert [next(late).number, next(late).number] == [0, 1]
    assert refused(lambda: next(late))[0] == grpc.StatusCode.FAILED_PRECONDITION
    missing = channel.unary_unary("/shop.inventory.v1.Inventory/Missing")
    assert refused(lambda: missing(b""))[0] == grpc.StatusCode.UNIMPLEMENTED

    # Compressed requests, and answers where the server compresses.
    assert reserve("chair", compression=grpc.Compression.Gzip).total.cents == 1000

    # A stream that its caller gives up.
    endless = stub.Watch(messages.WatchRequest(article=Article(sku="endless"), count=1))
    assert next(endless).number == 0
    endless.cancel()
print("ok")
