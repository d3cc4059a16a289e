"""Message classes that protoc wrote from the .proto files beside them: `make proto`."""
