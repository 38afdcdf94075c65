-- A new post asks what was said in a problem lately. The members of a problem lie by time now, with
-- all that is asked about them, and its sources by themselves: nothing older is touched.

CREATE TABLE member (
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

INSERT INTO member (district, problem, published, source, post, main, copy, quote_start, quote_end,
    sketch, address, month, voice, own_text)
SELECT membership.district, membership.problem, membership.published, membership.source,
    membership.post, membership.main, membership.copy, membership.quote_start,
    membership.quote_end, membership.sketch, membership.address, voice.month, voice.voice,
    CASE WHEN post.own_name = 1 THEN post.fingerprint END
FROM membership
LEFT JOIN problem ON problem.district = membership.district AND problem.id = membership.problem
LEFT JOIN voice ON voice.district = membership.district AND voice.source = membership.source
    AND voice.post = membership.post AND voice.topic = problem.topic AND membership.copy = 0
LEFT JOIN post ON post.district = membership.district AND post.source = membership.source
    AND post.id = membership.post;

CREATE TABLE problem_source (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (district, problem, source)
) STRICT, WITHOUT ROWID;

INSERT INTO problem_source (district, problem, source)
SELECT DISTINCT district, problem, source FROM membership;

DROP TABLE membership;

ALTER TABLE member RENAME TO membership;

CREATE UNIQUE INDEX membership_post ON membership (district, source, post, problem);

CREATE INDEX membership_quote ON membership (district, problem, published, source, post)
    WHERE quote_start IS NOT NULL;

CREATE INDEX membership_month ON membership (district, month, problem) WHERE month IS NOT NULL;
