-- A person's word ends a problem, silence only closes it; the number of voices is part of the state.

ALTER TABLE problem ADD COLUMN ended INTEGER;

UPDATE problem SET ended = (SELECT MAX(at) FROM problem_event
    WHERE problem_event.district = problem.district AND problem_event.problem = problem.id
        AND problem_event.event LIKE '%"event":"closed"%"reason":"person"%')
WHERE state = 'closed' AND merged IS NULL;

UPDATE problem SET voices = voices_kept WHERE voices_kept > voices AND back IS NULL;

ALTER TABLE problem DROP COLUMN voices_kept;
