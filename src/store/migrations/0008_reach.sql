-- What a problem is loaded with is found without a walk over its posts, and what was merged away
-- from a key without a walk over its past: the indexes hold the order that is asked for.

DROP INDEX membership_quote;

CREATE INDEX membership_quote ON membership (district, problem, published, source, post)
    WHERE quote_start IS NOT NULL;

DROP INDEX problem_merged;

CREATE INDEX problem_merged ON problem (district, aspect, place, address, last, id)
    WHERE merged IS NOT NULL;
