"""Azure Storage: the store in Tables, blobs, queues, and leases."""
