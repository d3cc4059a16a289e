"""What gRPC clients are told: services and messages, as .proto text and as descriptors."""
