-- Whose work is being done: the span (W3C traceparent) of the request that asked for it, so that the worker's span can link to it. NULL where nobody traced.
ALTER TABLE embedding_queue ADD COLUMN trace text;
ALTER TABLE operations ADD COLUMN trace text;
