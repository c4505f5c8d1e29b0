"""Sources that are asked over the network: the only part of the auditor that opens sockets (extra ``[online]``)."""
