-- Optional: with it the search service reads indexes and memories into the server's buffers before it says that it is ready. It comes with PostgreSQL's own contrib modules, and not every server has
-- them or lets everybody create it; whoever may, can do so at any time.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_prewarm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_prewarm SCHEMA public;
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_prewarm was not created: %', SQLERRM;
END
$$;
