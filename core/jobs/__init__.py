"""Work that outlives a click: the durable queue and its worker."""
