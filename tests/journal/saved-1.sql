PRAGMA application_id = 1397511497;
PRAGMA user_version = 1;
CREATE TABLE meta (  -- facts about the journal and the platform, by name
  key    TEXT NOT NULL PRIMARY KEY,
  value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE item (
  id             INTEGER PRIMARY KEY,
  ulid           TEXT    NOT NULL UNIQUE CHECK (length(ulid) = 26),
  source         TEXT    NOT NULL,                  -- a source's name of the configuration, or 'ingest'
  root           BLOB    NOT NULL,                  -- the folder held open; bytes, absolute (D42); empty for a URL
  path           BLOB    NOT NULL,                  -- beneath root; bytes. Of a URL: it, without its query
  item_key       TEXT,                              -- what makes two wishes for a URL one item (M2); NULL for a file
  name           TEXT,                              -- of a URL: the file name that it stands for (M27)
  url            TEXT,                              -- whole; its query may be a signature. Cleared when done (P2)
  kind           TEXT    CHECK (kind IN ('video', 'audio', 'image')),
  pipeline       TEXT,
  generation     INTEGER NOT NULL DEFAULT 1,        -- counts the contents seen under this item
  state          TEXT    NOT NULL CHECK (state IN
                 ('seen', 'stable', 'opening', 'opened', 'reported', 'completed', 'sending', 'sent',
                  'asset_ready', 'done', 'failed', 'cancelled', 'skipped')),
  method         TEXT    CHECK (method IN ('direct', 'multipart', 'url', 'relay')),  -- relay: to be downloaded first
  size_bytes     INTEGER NOT NULL CHECK (size_bytes >= 0),
  mtime_ns       INTEGER NOT NULL,
  ctime_ns       INTEGER NOT NULL,
  inode          INTEGER NOT NULL,
  device         INTEGER NOT NULL,
  quiet_since_ms INTEGER NOT NULL,                  -- when this size, mtime, ctime and inode were first seen
  plan           TEXT,                              -- JSON: what the pipeline asks for, expanded
  sidecar        TEXT,                              -- JSON: what its sidecars ask for, as they were when it was admitted
  sidecars_print INTEGER NOT NULL DEFAULT 0,        -- of the sidecars as the last sweep that counted saw them; 0: none
  content_type   TEXT,
  client_op      TEXT,                              -- operation tag of this generation (R48)
  asset_id       TEXT,
  media_ms       INTEGER NOT NULL DEFAULT 0,        -- how long it plays, by the platform; 0: not known, or not asked
  content_key    TEXT,                              -- what the file held when it was sent whole (D38)
  ends_hash      INTEGER,                           -- of its head and tail: other files than it may differ in there (D38)
  duplicate_of   TEXT,                              -- the ulid of the item whose content it repeats
  twin_id        INTEGER,                           -- of 'waiting_for_twin': the item whose end makes it due
  intent_at_ms   INTEGER,                           -- when the unrepeatable call was allowed to leave
  unknown_at_ms  INTEGER,                           -- since when its outcome is unknown
  looks          INTEGER NOT NULL DEFAULT 0,        -- how often it was looked for since then
  attempts       INTEGER NOT NULL DEFAULT 0,        -- failed tries charged to this item
  tries          INTEGER NOT NULL DEFAULT 0,        -- failed tries or polls in a row, charged or not
  due_at_ms      INTEGER,
  reason         TEXT,                              -- the code of its end or wait: 'empty_file', 'throttled', ...
  last_error     TEXT,
  failed_from    TEXT,                              -- the state that retry goes back to
  priority       INTEGER NOT NULL DEFAULT 50,
  bytes_sent     INTEGER NOT NULL DEFAULT 0,
  bytes_acked    INTEGER NOT NULL DEFAULT 0,
  created_at_ms  INTEGER NOT NULL,
  finished_at_ms INTEGER,
  CHECK ((state IN ('done', 'failed', 'cancelled', 'skipped')) = (finished_at_ms IS NOT NULL)),
  CHECK (state NOT IN ('opening', 'sending') OR intent_at_ms IS NOT NULL),
  CHECK (state NOT IN ('sent', 'completed', 'asset_ready', 'done') OR asset_id IS NOT NULL),
  CHECK (state NOT IN ('failed', 'skipped') OR reason IS NOT NULL),
  CHECK ((root = x'') = (item_key IS NOT NULL) AND (root = x'') = (name IS NOT NULL)),
  CHECK (root = x'' OR url IS NULL),
  CHECK (method NOT IN ('url', 'relay') OR root = x''),
  CHECK (state <> 'done' OR url IS NULL)
) STRICT;
CREATE INDEX item_due ON item (state, priority DESC, due_at_ms, finished_at_ms) WHERE finished_at_ms IS NULL;
CREATE INDEX item_upload ON item (method, priority DESC, source, due_at_ms)
  WHERE state = 'stable' AND finished_at_ms IS NULL;
CREATE INDEX item_seen ON item (source, due_at_ms) WHERE state = 'seen' AND finished_at_ms IS NULL;
CREATE INDEX item_ended ON item (state, id) WHERE state IN ('failed', 'cancelled', 'skipped');
CREATE UNIQUE INDEX item_live ON item (root, path) WHERE finished_at_ms IS NULL AND root <> x'';
CREATE UNIQUE INDEX item_key ON item (item_key) WHERE item_key IS NOT NULL;
CREATE INDEX item_path ON item (root, path, id);
CREATE INDEX item_inode ON item (inode) WHERE finished_at_ms IS NULL;
CREATE INDEX item_ends ON item (ends_hash, size_bytes)
  WHERE ends_hash IS NOT NULL AND state NOT IN ('seen', 'failed', 'cancelled', 'skipped');
CREATE INDEX item_twin ON item (twin_id) WHERE twin_id IS NOT NULL;
CREATE INDEX item_asset ON item (asset_id) WHERE asset_id IS NOT NULL;
CREATE TABLE download (  -- of a URL: whether it was tried, or how far its bytes are in the spool; gone once the platform has them
  id             INTEGER PRIMARY KEY,
  item_id        INTEGER NOT NULL UNIQUE REFERENCES item (id),
  state          TEXT    NOT NULL CHECK (state IN ('probing', 'probed', 'wanted', 'fetching', 'fetched')),
  restarts       INTEGER NOT NULL DEFAULT 0,        -- contents that were given up, since the source had another one
  total_bytes    INTEGER NOT NULL DEFAULT 0,        -- 0: not known yet
  reserved_bytes INTEGER NOT NULL DEFAULT 0,        -- of the spool
  etag           TEXT,                              -- a strong one, with its quotes
  modified       TEXT,                              -- Last-Modified, as it came
  have           BLOB,                              -- a bit for each MiB that is in the file, and synced
  url            TEXT,                              -- where it was redirected to; may hold a signature
  sums           TEXT,                              -- 'md5:...' or 'sha256:...' that the bytes must have
  promised_bytes INTEGER NOT NULL DEFAULT 0,        -- by whoever named the URL; 0: nothing was said
  CHECK (state <> 'fetched' OR total_bytes > 0),
  CHECK (reserved_bytes IN (0, total_bytes))
) STRICT;
CREATE INDEX download_fetching ON download (id) WHERE state = 'fetching';
CREATE INDEX download_reserved ON download (reserved_bytes) WHERE reserved_bytes > 0;
CREATE TABLE session (  -- one row per upload session; the old ones stay, for the record
  id               INTEGER PRIMARY KEY,
  item_id          INTEGER NOT NULL REFERENCES item (id),
  generation       INTEGER NOT NULL,
  state            TEXT    NOT NULL CHECK (state IN ('open', 'completed', 'expired', 'abandoned')),
  upload_id        TEXT    NOT NULL,
  asset_id         TEXT    NOT NULL,
  file_bytes       INTEGER NOT NULL,
  chunk_size_bytes INTEGER NOT NULL CHECK (chunk_size_bytes > 0),
  total_chunks     INTEGER NOT NULL CHECK (total_chunks BETWEEN 1 AND 10000),
  upload_headers   TEXT    NOT NULL,                -- JSON [[name, value], ...]
  opened_at_ms     INTEGER NOT NULL,
  expires_at_ms    INTEGER NOT NULL,                -- by this host's clock: the platform's offset is taken out
  due_at_ms        INTEGER NOT NULL,                -- next lease, report or status call
  tries            INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX session_open ON session (item_id) WHERE state = 'open';
CREATE INDEX session_item ON session (item_id);
CREATE INDEX session_asset ON session (asset_id);
CREATE TABLE chunk (
  session_id       INTEGER NOT NULL REFERENCES session (id),
  chunk_index      INTEGER NOT NULL CHECK (chunk_index >= 1),
  state            TEXT    NOT NULL CHECK (state IN ('needs_url', 'has_url', 'putting', 'stored', 'reported')),
  url              TEXT,                            -- presigned: cleared when used or expired (P2)
  url_renew_at_ms  INTEGER,                         -- from here on the URL is too old to be used
  etag             TEXT,                            -- without its quotes
  leaves           BLOB,                            -- XXH3-128 of each 1 MiB of the file in it, of a stored one (D38)
  attempts         INTEGER NOT NULL DEFAULT 0,      -- failed tries since the last success
  tries            INTEGER NOT NULL DEFAULT 0,
  refusals         INTEGER NOT NULL DEFAULT 0,      -- URLs refused in a row (R31)
  mismatches       INTEGER NOT NULL DEFAULT 0,      -- ETags that were not the MD5 sent
  due_at_ms        INTEGER NOT NULL,
  last_error       TEXT,
  CHECK ((state IN ('stored', 'reported')) = (etag IS NOT NULL)),
  CHECK ((state = 'has_url') = (url IS NOT NULL)),
  PRIMARY KEY (session_id, chunk_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_active ON chunk (session_id, state, chunk_index) WHERE state <> 'reported';
CREATE INDEX chunk_wait ON chunk (session_id, due_at_ms) WHERE state IN ('needs_url', 'has_url');
CREATE TABLE named (  -- shared things found by name or created: one row looks and creates for all
  id             INTEGER PRIMARY KEY,
  kind           TEXT    NOT NULL CHECK (kind IN ('index', 'collection', 'entity')),
  parent_id      INTEGER NOT NULL DEFAULT 0,        -- the collection's row, of an entity; else 0
  name           TEXT    NOT NULL,
  state          TEXT    NOT NULL CHECK (state IN ('wanted', 'creating', 'present')),
  remote_id      TEXT,
  params         TEXT    NOT NULL DEFAULT '{}',     -- JSON: what a create needs
  client_op      TEXT    NOT NULL,
  seed_step_id   INTEGER,                           -- of an entity: whose asset it is created with
  created_by_us  INTEGER NOT NULL DEFAULT 0,
  intent_at_ms   INTEGER,
  unknown_at_ms  INTEGER,
  looks          INTEGER NOT NULL DEFAULT 0,
  attempts       INTEGER NOT NULL DEFAULT 0,
  tries          INTEGER NOT NULL DEFAULT 0,
  due_at_ms      INTEGER,                           -- NULL: nobody wants it now, or it waits for its parent
  last_error     TEXT,
  UNIQUE (kind, parent_id, name),
  CHECK ((state = 'present') = (remote_id IS NOT NULL)),
  CHECK (state <> 'creating' OR intent_at_ms IS NOT NULL)
) STRICT;
CREATE INDEX named_due ON named (state, due_at_ms) WHERE state <> 'present';
CREATE TABLE step (  -- one thing the pipeline asks for after asset_ready
  id             INTEGER PRIMARY KEY,
  item_id        INTEGER NOT NULL REFERENCES item (id),
  ordinal        INTEGER NOT NULL,
  kind           TEXT    NOT NULL CHECK (kind IN ('index', 'entity')),
  state          TEXT    NOT NULL CHECK (state IN ('waiting', 'creating', 'created', 'ready', 'failed')),
  params         TEXT    NOT NULL,                  -- JSON, as in the item's plan
  client_op      TEXT    NOT NULL,
  named_id       INTEGER REFERENCES named (id),     -- the index or entity it goes into
  remote_id      TEXT,                              -- the indexed asset's or the entity's id
  remote_status  TEXT,                              -- the platform's own word
  intent_at_ms   INTEGER,
  unknown_at_ms  INTEGER,
  looks          INTEGER NOT NULL DEFAULT 0,
  attempts       INTEGER NOT NULL DEFAULT 0,
  tries          INTEGER NOT NULL DEFAULT 0,
  due_at_ms      INTEGER,                           -- NULL: waits for its asset or its name
  reason         TEXT,
  last_error     TEXT,
  UNIQUE (item_id, ordinal),
  CHECK (state <> 'creating' OR intent_at_ms IS NOT NULL),
  CHECK (state NOT IN ('created', 'ready') OR remote_id IS NOT NULL),
  CHECK ((state = 'failed') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX step_due ON step (state, kind, due_at_ms) WHERE state IN ('waiting', 'creating', 'created');
CREATE INDEX step_named ON step (named_id, state);
CREATE TABLE act (  -- the outbox: what is done to a file, or told of it, after its item's end (D49, D61 to D66)
  id             INTEGER PRIMARY KEY,
  item_id        INTEGER NOT NULL REFERENCES item (id),
  generation     INTEGER NOT NULL,                  -- of the item at its end: an act is about no other content
  ordinal        INTEGER NOT NULL,                  -- one after the other
  kind           TEXT    NOT NULL CHECK (kind IN ('move', 'delete', 'receipt', 'error_note', 'clear_note', 'hook',
                                                     'amend')),
  hook           TEXT,                              -- the name of a hook in the configuration
  state          TEXT    NOT NULL CHECK (state IN ('wanted', 'acting', 'done', 'refused')),
  target_folder  BLOB,                              -- where to; bytes, absolute; NULL: beside the file, or nowhere
  target_path    BLOB,                              -- beneath it; of what is done, where it came to be
  attempts       INTEGER NOT NULL DEFAULT 0,
  tries          INTEGER NOT NULL DEFAULT 0,
  due_at_ms      INTEGER,                           -- NULL: waits for the act before it
  last_error     TEXT,
  reason         TEXT,
  payload        TEXT,                              -- JSON: what a hook or the platform is told, from its first try to its last
  UNIQUE (item_id, ordinal),
  CHECK ((state = 'refused') = (reason IS NOT NULL)),
  CHECK ((kind = 'hook') = (hook IS NOT NULL)),
  CHECK ((target_folder IS NULL) = (target_path IS NULL))
) STRICT;
CREATE INDEX act_due ON act (state, due_at_ms) WHERE state IN ('wanted', 'acting');
CREATE INDEX act_next ON act (hook, state, due_at_ms) WHERE state IN ('wanted', 'acting');
CREATE INDEX act_refused ON act (item_id) WHERE state = 'refused' AND kind NOT IN ('hook', 'amend') AND
  reason NOT IN ('withdrawn', 'superseded', 'not_configured', 'changed', 'gone');
CREATE TABLE event (  -- the story: one row per transition, in the transaction that made it
  id       INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  item_id  INTEGER,                                 -- NULL: about the daemon or a shared name
  subject  TEXT    NOT NULL,                        -- 'item', 'chunk 7', 'step 1 index', 'act 1 move', ...
  was      TEXT    NOT NULL,
  became   TEXT    NOT NULL,
  note     TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX event_item ON event (item_id, id);
CREATE TABLE manifest (  -- one file of lines that name URLs, and how far it was read (docs/STATES.md, manifest)
  id             INTEGER PRIMARY KEY,
  source         TEXT    NOT NULL,
  root           BLOB    NOT NULL,                  -- the folder that it lies in; bytes, absolute
  path           BLOB    NOT NULL,                  -- beneath root; bytes
  state          TEXT    NOT NULL CHECK (state IN ('reading', 'followed', 'gone', 'refused')),
  reason         TEXT,                              -- why it is refused or gone
  pass           INTEGER NOT NULL DEFAULT 1,        -- counts how often it was begun from its beginning
  line           INTEGER NOT NULL DEFAULT 1,        -- the next one to be read, counted from 1
  offset_bytes   INTEGER NOT NULL DEFAULT 0,        -- where that one begins, unpacked
  fingerprint    TEXT    NOT NULL DEFAULT '',       -- of what is before it
  inode          INTEGER NOT NULL DEFAULT 0,        -- of the file as it was read last
  size_bytes     INTEGER NOT NULL DEFAULT 0,
  mtime_ns       INTEGER NOT NULL DEFAULT 0,
  entries        INTEGER NOT NULL DEFAULT 0,        -- lines that became an entry, over all passes
  duplicates     INTEGER NOT NULL DEFAULT 0,        -- lines whose key another line has
  errors         INTEGER NOT NULL DEFAULT 0,        -- lines that could not be read
  failed         INTEGER NOT NULL DEFAULT 0,        -- entries whose last answer was 'failed'
  waiting        INTEGER NOT NULL DEFAULT 0,        -- entries in `waiting`
  open           INTEGER NOT NULL DEFAULT 0,        -- entries in `taken` or `refused`
  notes_open     INTEGER NOT NULL DEFAULT 0,        -- notes that are not in the results yet
  notes_kept     INTEGER NOT NULL DEFAULT 0,        -- notes that are, and stay for people
  noted_line     INTEGER NOT NULL DEFAULT 0,        -- the last line whose note was answered and did not stay
  results        BLOB,                              -- the results' file, absolute; NULL until it was made
  results_inode  INTEGER NOT NULL DEFAULT 0,
  results_bytes  INTEGER NOT NULL DEFAULT 0,        -- its length as far as it counts
  created_at_ms  INTEGER NOT NULL,
  read_at_ms     INTEGER,                           -- when something of it was read last
  UNIQUE (root, path),
  CHECK (state <> 'refused' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX manifest_waiting ON manifest (id) WHERE waiting > 0;
CREATE INDEX manifest_open ON manifest (id) WHERE open > 0 OR notes_open > 0;
CREATE TABLE entry (  -- one line of a manifest: becomes an item when there is room for one
  id             INTEGER PRIMARY KEY,
  manifest_id    INTEGER NOT NULL REFERENCES manifest (id),
  pass           INTEGER NOT NULL,                  -- the manifest's, when the line was first read
  line           INTEGER NOT NULL,
  item_key       BLOB    NOT NULL UNIQUE,           -- over all manifests (M2): 16 bytes of hash, 'k:' and the given key, 'u:' and digits
  state          TEXT    NOT NULL CHECK (state IN ('waiting', 'taken', 'refused', 'ended')),
  url            TEXT,                              -- may hold a signature; cleared when an item has it, or none will
  name           TEXT,
  options        TEXT,                              -- JSON: what else the line asks for; NULL for nothing
  priority       INTEGER NOT NULL,
  not_before_ms  INTEGER NOT NULL DEFAULT 0,
  item_id        INTEGER REFERENCES item (id),
  outcome        TEXT,                              -- as in the results: 'ok', 'failed', ...
  reason         TEXT,                              -- of one that no item was made of: its code
  last_error     TEXT,
  CHECK ((state = 'waiting') = (url IS NOT NULL)),
  CHECK (state <> 'refused' OR reason IS NOT NULL),
  CHECK ((state = 'ended') = (outcome IS NOT NULL))
) STRICT;
CREATE INDEX entry_waiting ON entry (manifest_id, priority DESC, not_before_ms, id) WHERE state = 'waiting';
CREATE INDEX entry_open ON entry (manifest_id, id) WHERE state IN ('taken', 'refused');
CREATE INDEX entry_item ON entry (item_id) WHERE item_id IS NOT NULL;
CREATE TABLE manifest_note (  -- what is to be said of a line that became no entry
  id             INTEGER PRIMARY KEY,
  manifest_id    INTEGER NOT NULL REFERENCES manifest (id),
  line           INTEGER NOT NULL,
  column_bytes   INTEGER NOT NULL,                  -- from 1; 0 where the text says what is meant
  what           TEXT    NOT NULL CHECK (what IN ('error', 'duplicate')),
  text           TEXT    NOT NULL,
  reported       INTEGER NOT NULL DEFAULT 0,        -- it is in the results
  UNIQUE (manifest_id, line, what, text)
) STRICT;
CREATE INDEX manifest_note_open ON manifest_note (manifest_id, id) WHERE reported = 0;
CREATE TABLE unclaimed (  -- after a rebuild: an asset of ours that no file of the sources had; gone once its item comes
  identity       TEXT    NOT NULL PRIMARY KEY CHECK (length(identity) IN (16, 33)),  -- of its file or URL (core/source/identity.h)
  client_op      TEXT    NOT NULL,                  -- the operation tag that it carries: the item's ulid, and its generation
  asset_id       TEXT    NOT NULL,
  method         TEXT    NOT NULL,                  -- as the platform calls it; '' if it does not say
  state          TEXT    NOT NULL CHECK (state IN ('processing', 'ready')),
  size_bytes     INTEGER,                           -- known of one that is ready
  created_at_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE VIEW v_items AS
SELECT i.ulid AS id, i.source, CAST(i.path AS TEXT) AS path,
       CASE
         WHEN i.state = 'seen' THEN 'settle'
         WHEN i.state IN ('stable', 'opening', 'opened', 'reported', 'sending') THEN 'upload'
         WHEN i.state IN ('completed', 'sent') THEN 'ready'
         WHEN i.state = 'asset_ready' AND EXISTS
              (SELECT 1 FROM step s WHERE s.item_id = i.id AND s.kind = 'index'
                                      AND s.state NOT IN ('ready', 'failed')) THEN 'index'
         WHEN i.state = 'asset_ready' THEN 'register'
         ELSE i.state
       END AS stage,
       i.state, i.kind, i.size_bytes, i.attempts, i.asset_id, i.reason, i.last_error,
       datetime(i.created_at_ms / 1000, 'unixepoch') AS created_at,
       datetime(i.finished_at_ms / 1000, 'unixepoch') AS finished_at,
       datetime(i.due_at_ms / 1000, 'unixepoch') AS due_at
  FROM item i;
CREATE VIEW v_chunks AS
SELECT i.ulid AS item, CAST(i.path AS TEXT) AS path, s.upload_id, s.state AS session, c.chunk_index, c.state,
       c.etag, c.attempts, c.last_error
  FROM chunk c JOIN session s ON s.id = c.session_id JOIN item i ON i.id = s.item_id;
INSERT INTO meta VALUES ('key','value');
INSERT INTO item VALUES (1,'00000000000000000000000007','drop',X'2F7372762F6F646420FFFE000A27225C20C3A9',X'6F646420FFFE000A27225C20C3A92E6D7034',NULL,NULL,NULL,'video','footage',3,'failed','multipart',11,-12,13,-1,-2,1795262400014,'{"filename":"a"}','{"files":["a.json"]}',-26,'video/mp4','op.3','asset7',0,'c0ffee',NULL,NULL,NULL,1795262400015,1795262400016,17,18,19,1795262400020,'gave_up','503 from the platform','opened',21,22,23,1795262400024,1795262400025);
INSERT INTO session VALUES (1,1,3,'expired','upload1','reserved1',100,10,10,'[["x-amz-meta-a","1"],["content-type","a \"quoted\" value"],["x-amz-meta-a","2"]]',1795262400000,1795348800000,1795262400005,4);
INSERT INTO chunk VALUES (1,1,'has_url','https://storage.example/chunk?X-Amz-Signature=abc',1795262400001,NULL,NULL,2,3,4,5,1795262400006,'reset by peer');
INSERT INTO chunk VALUES (1,2,'needs_url',NULL,NULL,NULL,NULL,0,0,0,0,1795262400000,NULL);
INSERT INTO named VALUES (1,'entity',0,'Ada "the first"','wanted',NULL,'{"description":"x"}','op',9,1,1795262400001,1795262400002,3,4,5,1795262400006,'timed out');
INSERT INTO step VALUES (1,1,2,'entity','failed','{"name":"Ada"}','op2',1,'entity1','processing',1795262400001,1795262400002,3,4,5,1795262400006,'refused','timed out');
INSERT INTO act VALUES (1,1,3,2,'hook','notify','refused',X'2F7372762F6F646420FFFE000A27225C20C3A9',X'6F646420FFFE000A27225C20C3A92E6D7034',4,5,1795262400006,'no space','gave_up','{}');
INSERT INTO event VALUES (1,1795262400000,1,'item','opened','failed','note');
INSERT INTO unclaimed VALUES ('0123456789abcdef','tag','kept','','ready',NULL,NULL);
