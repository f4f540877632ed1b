package sockets

// rawOldWaits are the waits that arm64 does not have.
func rawOldWaits(*maker, uint64, uint64, uint64, uint64, func()) {}
