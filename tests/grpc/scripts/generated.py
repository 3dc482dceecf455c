"""The Python code of the `.proto` files, generated into a temporary folder."""

import os
import sys
import tempfile

from grpc_tools import protoc

FOLDER = tempfile.TemporaryDirectory()


def generate(protos):
    files = ["shop/common/v1/money.proto", "shop/inventory/v1/inventory.proto"]
    include = os.path.join(os.path.dirname(protoc.__file__), "_proto")
    folders = [f"-I{protos}", f"-I{include}", f"--python_out={FOLDER.name}", f"--grpc_python_out={FOLDER.name}"]
    assert protoc.main(["protoc", *folders, *files]) == 0, "protoc failed"
    sys.path.insert(0, FOLDER.name)
