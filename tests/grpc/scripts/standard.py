"""Asks a server for its health and its descriptions with grpcio-health-checking and grpcio-reflection.

    standard.py ADDRESS

Prints `watching` once it watches the health; then the server is to be stopped. Prints `ok` at the end.
"""

import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "shop.inventory.v1.Inventory"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

with grpc.insecure_channel(sys.argv[1]) as channel:
    # Reflection: what is here, and a call with nothing but what it told.
    database = ProtoReflectionDescriptorDatabase(channel)
    versions = [f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha")]
    assert sorted(database.get_services()) == sorted([SERVICE, "grpc.health.v1.Health", *versions]), database.get_services()
    pool = DescriptorPool(database)
    service = pool.FindServiceByName(SERVICE)
    assert [method.name for method in service.methods] == ["Reserve", "Watch", "Receive", "Haggle", "Close"], service
    for name in versions + ["grpc.health.v1.Health"]:
        assert pool.FindServiceByName(name).methods, name
    reserve = service.FindMethodByName("Reserve")
    question, answer = GetMessageClass(reserve.input_type), GetMessageClass(reserve.output_type)
    request = question(quantity=4)
    request.article.sku = "chair"
    call = channel.unary_unary(f"/{SERVICE}/Reserve", request_serializer=question.SerializeToString, response_deserializer=answer.FromString)
    assert call(request).total.cents == 1000
    try:
        pool.FindServiceByName("shop.inventory.v1.Missing")
    except KeyError:
        pass
    else:
        raise AssertionError("what is not there was found")

    # Reflection v1: the same messages under another name.
    ask = channel.stream_stream(
        f"/{versions[0]}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"{SERVICE}.Watch"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="nowhere.proto"),
    ]
    listed, file, missing = ask(iter(questions))
    assert SERVICE in [service.name for service in listed.list_services_response.service], listed
    assert len(file.file_descriptor_response.file_descriptor_proto) >= 3, "a file comes with what it imports"
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0], missing
    assert missing.original_request.file_by_filename == "nowhere.proto", missing

    # Health: the whole, one service, one that is not there, all.
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", SERVICE):
        assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == SERVING, name
    try:
        health.Check(health_pb2.HealthCheckRequest(service="missing"))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
    else:
        raise AssertionError("a service that is not there is well")
    statuses = health.List(health_pb2.HealthListRequest()).statuses
    assert {name: told.status for name, told in statuses.items()} == {"": SERVING, SERVICE: SERVING}, statuses
    unknown = health.Watch(health_pb2.HealthCheckRequest(service="missing"))
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    unknown.cancel()

    # Watched over the end of the server.
    watched = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert next(watched).status == SERVING
    print("watching", flush=True)
    assert next(watched).status == NOT_SERVING
    try:
        next(watched)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        assert "the service is stopping" in error.details(), error
    else:
        raise AssertionError("the stream goes on after the end")
print("ok")
