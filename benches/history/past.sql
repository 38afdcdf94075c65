-- Years of past before a store's first post: all its rows again, a span earlier each time. A
-- problem that lasts as long as the store goes on backwards; any other was there before too, under
-- an id of its own. Nothing has passed its retention: that is harder than life.
-- `base` is the store without that past; `past` holds one row a repetition: number, microseconds
-- that it lies back, posts of a span.

CREATE TEMP TABLE moved AS
SELECT problem.id AS problem, past.n, past.micros, past.posts,
    problem.last - problem.opened > 60 * 86400000000 AS lasts,
    CASE WHEN problem.last - problem.opened > 60 * 86400000000 THEN problem.id
        ELSE 'p' || substr(problem.id, 2 + past.n % 12) || substr(problem.id, 2, past.n % 12)
            || past.n END AS id
FROM base.problem CROSS JOIN past;

CREATE UNIQUE INDEX temp.moved_problem ON moved (problem, n);

INSERT INTO main.post (district, source, id, platform, kind, parent, text, masked, published,
    edited, official, own_name, repost, url, views, likes, reposts, comments, place, state, version,
    fingerprint, stored, language, score, reasons, lexicon)
SELECT district, source, substr(id, 1, 6) || (CAST(substr(id, 7) AS INTEGER) - n * posts),
    platform, kind, parent, text, masked, published - micros, edited, official, own_name, repost,
    url, views, likes, reposts, comments, place, state, version, fingerprint, stored - micros,
    language, score, reasons, lexicon
FROM past CROSS JOIN base.post ORDER BY published - micros;

INSERT INTO main.finding (district, source, post, topic, kind, score, matches, clause_start,
    clause_end)
SELECT district, source, substr(post, 1, 6) || (CAST(substr(post, 7) AS INTEGER) - n * posts),
    topic, kind, score, matches, clause_start, clause_end
FROM past CROSS JOIN base.finding;

INSERT INTO main.place_finding (district, source, post, position, place, title, found_by, elsewhere,
    span_start, span_end, street, house, street_start, street_end)
SELECT district, source, substr(post, 1, 6) || (CAST(substr(post, 7) AS INTEGER) - n * posts),
    position, place, title, found_by, elsewhere, span_start, span_end, street, house, street_start,
    street_end
FROM past CROSS JOIN base.place_finding;

INSERT INTO main.voice (district, source, post, topic, month, voice)
SELECT district, source, substr(post, 1, 6) || (CAST(substr(post, 7) AS INTEGER) - n * posts),
    topic, month - 100 * n, voice
FROM past CROSS JOIN base.voice;

-- A problem quotes its first posts: what lasts quotes the oldest.
UPDATE main.membership SET quote_start = NULL, quote_end = NULL
WHERE problem IN (SELECT problem FROM moved WHERE lasts);

INSERT INTO main.membership (district, problem, published, source, post, main, copy, quote_start,
    quote_end, sketch, address, month, voice, own_text)
SELECT district, moved.id, published - micros, source,
    substr(post, 1, 6) || (CAST(substr(post, 7) AS INTEGER) - n * posts), main, copy,
    CASE WHEN NOT lasts OR n = (SELECT MAX(n) FROM past) THEN quote_start END,
    CASE WHEN NOT lasts OR n = (SELECT MAX(n) FROM past) THEN quote_end END, sketch, address,
    month - 100 * n, voice, own_text
FROM base.membership JOIN moved ON moved.problem = membership.problem;

INSERT INTO main.problem_source (district, problem, source)
SELECT district, moved.id, source
FROM base.problem_source JOIN moved ON moved.problem = problem_source.problem
WHERE NOT lasts;

INSERT INTO main.problem_event (district, problem, seq, at, event)
SELECT problem_event.district, moved.id,
    CASE WHEN lasts THEN seq - n * problem.events ELSE seq END, at - micros, event
FROM base.problem_event JOIN moved ON moved.problem = problem_event.problem
JOIN base.problem ON problem.district = problem_event.district AND problem.id = moved.problem;

INSERT INTO main.problem (district, id, topic, kind, place, state, score, reasons, opened, last,
    posts, told_at, told_level, told_voices, alerts, acknowledged, answered, returns, events,
    voices_kept, aspect, address, object, voices, merged, rumour)
SELECT district, moved.id, topic, kind, place, 'closed', score, reasons, opened - micros,
    last - micros, problem.posts, told_at - micros, told_level, told_voices, alerts, acknowledged,
    answered, returns, events, voices_kept, aspect, address, object, voices, merged, rumour
FROM base.problem JOIN moved ON moved.problem = problem.id
WHERE NOT lasts;

UPDATE main.problem SET posts = posts * (1 + (SELECT MAX(n) FROM past)),
    opened = opened - (SELECT MAX(micros) FROM past)
WHERE last - opened > 60 * 86400000000 AND id IN (SELECT problem FROM moved WHERE lasts);

INSERT INTO main.alert (district, id, problem, reason, at, facts)
SELECT alert.district, alert.id || n, moved.id, reason, at - micros, facts
FROM base.alert JOIN moved ON moved.problem = alert.problem;

INSERT INTO main.delivery (district, id, subject, receiver, channel, address, state, due, tries,
    copies, unreachable_since, trouble, lease, lease_until, created, gathers, sent)
SELECT district, id || n, subject || n, receiver, channel, address, state, due - micros, tries,
    copies, unreachable_since, trouble, lease, lease_until, created - micros, gathers, sent
FROM past CROSS JOIN base.delivery;
