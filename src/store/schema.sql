CREATE TABLE address (
    district TEXT NOT NULL,
    receiver TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (district, receiver, channel, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    problem TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE attitude_voice (
    district TEXT NOT NULL,
    week TEXT NOT NULL,
    pack TEXT NOT NULL,
    voice BLOB NOT NULL,
    PRIMARY KEY (district, week, pack, voice)
) STRICT, WITHOUT ROWID;

CREATE TABLE attitude_week (
    district TEXT NOT NULL,
    week TEXT NOT NULL,
    pack TEXT NOT NULL,
    voices INTEGER NOT NULL,
    PRIMARY KEY (district, week, pack)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    district TEXT NOT NULL,
    host TEXT NOT NULL,
    token TEXT NOT NULL,
    method TEXT NOT NULL,
    next_allowed INTEGER,
    day INTEGER,
    taken INTEGER NOT NULL,
    day_max INTEGER,
    PRIMARY KEY (district, host, token, method)
) STRICT;

CREATE TABLE coverage (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    PRIMARY KEY (district, source, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    hash BLOB NOT NULL,
    post TEXT,
    position TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (district, source, hash)
) STRICT;

CREATE TABLE delivery (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    receiver TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    copies INTEGER NOT NULL,
    unreachable_since INTEGER,
    trouble TEXT,
    lease TEXT,
    lease_until INTEGER,
    created INTEGER NOT NULL, gathers INTEGER NOT NULL DEFAULT 0, sent INTEGER,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE delivery_try (
    district TEXT NOT NULL,
    delivery TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    trouble TEXT,
    receipt TEXT,
    PRIMARY KEY (district, delivery, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE digest (
    district TEXT NOT NULL,
    week TEXT NOT NULL,
    made INTEGER NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    PRIMARY KEY (district, week)
) STRICT;

CREATE TABLE erased (
    district TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    removed TEXT NOT NULL,
    PRIMARY KEY (district, key_hash)
) STRICT;

CREATE TABLE finding (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    score INTEGER NOT NULL,
    matches TEXT NOT NULL,
    clause_start INTEGER,
    clause_end INTEGER,
    PRIMARY KEY (district, source, post, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE follow (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    matter TEXT NOT NULL,
    alert TEXT,
    step INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (district, problem, matter)
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
    district TEXT NOT NULL,
    alert TEXT NOT NULL,
    problem TEXT NOT NULL,
    held_by TEXT NOT NULL,
    holder TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    told INTEGER,
    PRIMARY KEY (district, alert)
) STRICT;

CREATE TABLE hole (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    position INTEGER NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    posts INTEGER,
    noticed INTEGER NOT NULL,
    looks INTEGER NOT NULL,
    closed INTEGER,
    fresh INTEGER NOT NULL,
    PRIMARY KEY (district, source, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    district TEXT NOT NULL,
    hash BLOB NOT NULL,
    salt BLOB NOT NULL,
    receiver TEXT NOT NULL,
    until INTEGER NOT NULL,
    used_by TEXT,
    PRIMARY KEY (district, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    district TEXT NOT NULL,
    name TEXT NOT NULL,
    next_due INTEGER NOT NULL,
    lease TEXT,
    lease_until INTEGER,
    PRIMARY KEY (district, name)
) STRICT;

CREATE TABLE mark (
    district TEXT NOT NULL,
    alert TEXT NOT NULL,
    marked_by TEXT NOT NULL,
    mark TEXT NOT NULL,
    handed_to TEXT NOT NULL,
    problem TEXT NOT NULL,
    channel TEXT,
    at INTEGER NOT NULL,
    lexicon TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (district, alert, marked_by, mark, handed_to)
) STRICT;

CREATE TABLE "membership" (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    published INTEGER NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    main INTEGER NOT NULL,
    copy INTEGER NOT NULL,
    quote_start INTEGER,
    quote_end INTEGER,
    sketch BLOB,
    address TEXT,
    month INTEGER,
    voice BLOB,
    own_text BLOB,
    PRIMARY KEY (district, problem, published, source, post)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE parted (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    problem TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (district, source, post, problem)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
    district TEXT NOT NULL,
    host TEXT NOT NULL,
    token TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    method TEXT NOT NULL,
    ordered INTEGER NOT NULL,
    until INTEGER NOT NULL,
    class TEXT NOT NULL,
    code TEXT NOT NULL,
    trouble TEXT NOT NULL,
    failures INTEGER NOT NULL,
    probed INTEGER,
    PRIMARY KEY (district, host, token, fingerprint, method, ordered)
) STRICT, WITHOUT ROWID;

CREATE TABLE place_finding (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    position INTEGER NOT NULL,
    place TEXT,
    title TEXT NOT NULL,
    found_by TEXT NOT NULL,
    elsewhere INTEGER NOT NULL,
    span_start INTEGER,
    span_end INTEGER,
    street TEXT,
    house TEXT,
    street_start INTEGER,
    street_end INTEGER,
    PRIMARY KEY (district, source, post, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE post (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    platform TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    masked INTEGER NOT NULL,
    published INTEGER NOT NULL,
    edited INTEGER,
    stored INTEGER NOT NULL,
    official INTEGER NOT NULL,
    own_name INTEGER NOT NULL,
    repost INTEGER NOT NULL,
    url TEXT,
    views INTEGER,
    likes INTEGER,
    reposts INTEGER,
    comments INTEGER,
    place TEXT,
    language TEXT NOT NULL,
    score INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    lexicon TEXT NOT NULL,
    PRIMARY KEY (district, source, id)
) STRICT;

CREATE TABLE post_version (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    assessment TEXT NOT NULL,
    lexicon TEXT NOT NULL,
    replaced INTEGER NOT NULL,
    PRIMARY KEY (district, source, post, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE problem (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT,
    state TEXT NOT NULL,
    score INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    opened INTEGER NOT NULL,
    last INTEGER NOT NULL,
    posts INTEGER NOT NULL,
    told_at INTEGER,
    told_level TEXT,
    told_voices INTEGER,
    alerts INTEGER NOT NULL,
    acknowledged INTEGER,
    answered INTEGER,
    returns INTEGER NOT NULL,
    events INTEGER NOT NULL,
    aspect TEXT NOT NULL DEFAULT '', address TEXT, object TEXT, voices INTEGER NOT NULL DEFAULT 0, merged TEXT, rumour TEXT, back INTEGER, posts_before INTEGER NOT NULL DEFAULT 0, ended INTEGER,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE problem_event (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (district, problem, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE problem_source (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (district, problem, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE roll_up (
    district TEXT NOT NULL,
    subject TEXT NOT NULL,
    receiver TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (district, subject, receiver)
) STRICT;

CREATE TABLE rules_entry (
    district TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    version TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (district, seq)
) STRICT;

CREATE TABLE rules_file (
    district TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (district, version, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE rules_text (
    district TEXT NOT NULL,
    content TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (district, content)
) STRICT;

CREATE TABLE setting (
    district TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (district, name)
) STRICT;

CREATE TABLE silence (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    begins INTEGER NOT NULL,
    until INTEGER NOT NULL,
    facts TEXT NOT NULL,
    reminded INTEGER,
    ended INTEGER,
    told INTEGER,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE source (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    platform TEXT NOT NULL,
    handle TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    place TEXT,
    every_secs INTEGER NOT NULL,
    comments INTEGER NOT NULL,
    backfill_secs INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    platform_id TEXT,
    cursor TEXT,
    pictures_only INTEGER NOT NULL,
    comments_closed INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE source_state (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    next_due INTEGER NOT NULL,
    lease TEXT,
    lease_until INTEGER,
    health TEXT NOT NULL,
    since INTEGER NOT NULL,
    code TEXT,
    trouble TEXT,
    failures INTEGER NOT NULL,
    last_ok INTEGER,
    look_pictures_only INTEGER NOT NULL,
    look_comments_closed INTEGER NOT NULL,
    look_unreadable INTEGER NOT NULL, look_began INTEGER, first_look INTEGER, interval_secs INTEGER, why TEXT, told TEXT, told_at INTEGER, asked INTEGER,
    PRIMARY KEY (district, source)
) STRICT;

CREATE TABLE tally (
    district TEXT NOT NULL,
    topic TEXT NOT NULL,
    place TEXT NOT NULL,
    day INTEGER NOT NULL,
    history TEXT NOT NULL,
    PRIMARY KEY (district, topic, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE telegram_room (
    district TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    found INTEGER NOT NULL,
    PRIMARY KEY (district, name)
) STRICT;

CREATE TABLE touch (
    district TEXT NOT NULL,
    delivery TEXT NOT NULL,
    asked INTEGER NOT NULL,
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    PRIMARY KEY (district, delivery)
) STRICT;

CREATE TABLE voice (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    topic TEXT NOT NULL,
    month INTEGER NOT NULL,
    voice BLOB NOT NULL,
    PRIMARY KEY (district, source, post, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE work (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    version INTEGER NOT NULL,
    published INTEGER NOT NULL,
    ground INTEGER NOT NULL,
    quotable INTEGER NOT NULL,
    risks TEXT NOT NULL, objects TEXT NOT NULL DEFAULT '{}', echo INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (district, source, post)
) STRICT, WITHOUT ROWID;

CREATE TABLE works (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    begins INTEGER NOT NULL,
    until INTEGER NOT NULL,
    facts TEXT NOT NULL,
    source TEXT,
    post TEXT,
    proposed INTEGER NOT NULL,
    ended INTEGER, proposal TEXT, decided INTEGER, decided_by TEXT,
    PRIMARY KEY (district, id)
) STRICT;

CREATE INDEX alert_problem ON alert (district, problem);

CREATE INDEX alert_time ON alert (district, at, id);

CREATE INDEX delivery_due ON delivery (district, state, due);

CREATE INDEX delivery_receiver ON delivery (district, receiver, state, sent);

CREATE INDEX delivery_subject ON delivery (district, subject);

CREATE INDEX delivery_time ON delivery (district, created, id);

CREATE INDEX follow_due ON follow (district, due);

CREATE INDEX held_holder ON held (district, held_by, holder, told);

CREATE INDEX mark_time ON mark (district, at, alert, marked_by, mark, handed_to);

CREATE INDEX membership_month ON membership (district, month, problem) WHERE month IS NOT NULL;

CREATE UNIQUE INDEX membership_post ON membership (district, source, post, problem);

CREATE INDEX membership_quote ON membership (district, problem, published, source, post)
    WHERE quote_start IS NOT NULL;

CREATE INDEX post_retention ON post (district, state, stored);

CREATE INDEX post_time ON post (district, published, source, id);

CREATE INDEX problem_age ON problem (district, state, last);

CREATE INDEX problem_key ON problem (district, aspect, place, address, last, id);

CREATE INDEX problem_merged ON problem (district, aspect, place, address, last, id)
    WHERE merged IS NOT NULL;

CREATE INDEX problem_time ON problem (district, opened, id);

CREATE INDEX silence_until ON silence (district, until);

CREATE INDEX source_state_due ON source_state (district, next_due);

CREATE INDEX touch_due ON touch (district, due);

CREATE INDEX work_order ON work (district, published, source, post);

CREATE INDEX works_proposal ON works (district, proposal);

CREATE INDEX works_until ON works (district, until);

