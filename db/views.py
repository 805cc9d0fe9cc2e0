"""The views: the questions that everybody asks of the catalog. docs/catalog.md has an example of each.

Plain SQL that PostgreSQL would take too. Views are dropped and made again by every migration, so this text is
always the newest; a change here still needs a migration (an empty one will do) to reach catalogs that exist.
"""

SPEND = """
CREATE VIEW spend AS
SELECT
    registration.stem,
    proposal.number,
    registration.id AS registration_id,
    registration.fidelity,
    registration.estimate_dollars,
    COALESCE(spent.dollars, 0) AS actual_dollars,
    COALESCE(spent.failed_dollars, 0) AS failed_dollars,
    registration.estimate_minutes,
    COALESCE(spent.seconds, 0) / 60.0 AS actual_minutes,
    COALESCE(spent.attempts, 0) AS attempts,
    COALESCE(spent.failed, 0) AS failed_attempts,
    COALESCE(spent.open, 0) AS open_attempts,
    COALESCE(spent.reserved, 0) AS reserved_dollars,
    registration.registered_at
FROM registration
JOIN proposal ON proposal.stem = registration.stem
LEFT JOIN (
    SELECT
        experiment.registration_id,
        SUM(attempt_end.dollars) AS dollars,
        SUM(CASE WHEN attempt_end.state <> 'collected' THEN attempt_end.dollars ELSE 0 END) AS failed_dollars,
        SUM(attempt_end.seconds) AS seconds,
        COUNT(*) AS attempts,
        SUM(CASE WHEN attempt_end.state <> 'collected' THEN 1 ELSE 0 END) AS failed,
        SUM(CASE WHEN attempt_end.state IS NULL THEN 1 ELSE 0 END) AS open,
        SUM(CASE WHEN attempt_end.state IS NULL THEN reservation.dollars ELSE 0 END) AS reserved
    FROM attempt
    JOIN experiment ON experiment.id = attempt.experiment_id
    LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id
    LEFT JOIN reservation ON reservation.attempt_id = attempt.id
    GROUP BY experiment.registration_id
) AS spent ON spent.registration_id = registration.id
"""

# Of runs planned more than once for a registration's variant and seed, that of the newest experiment stands for it.
NEWEST = """NOT EXISTS (
    SELECT 1 FROM experiment AS later
    JOIN experiment_run AS again ON again.experiment_id = later.id
    WHERE later.registration_id = experiment.registration_id AND later.id > experiment.id
    AND again.variant = planned.variant AND again.seed = planned.seed
)"""

# State: what the run is in now; a result counts however its attempts ended. Attempts are numbered from 1.
# Correlated subqueries rather than grouped ones: asked for one experiment, only its own rows are looked at.
RUNS = f"""
CREATE VIEW runs AS
SELECT
    registration.stem,
    planned.variant,
    planned.seed,
    CASE
        WHEN run_result.run_id IS NOT NULL THEN 'collected'
        WHEN newest.id IS NULL THEN 'planned'
        WHEN newest_end.attempt_id IS NOT NULL THEN newest_end.state
        WHEN attempt_handle.attempt_id IS NOT NULL THEN 'running'
        ELSE 'submitted'
    END AS state,
    test_accuracy.value AS test_accuracy,
    run_result.epochs,
    run_result.best_epoch,
    run_result.stopped,
    run_result.seconds,
    run_result.device,
    COALESCE(newest.number, 0) AS attempts,
    COALESCE((
        SELECT SUM(attempt_end.dollars) FROM attempt
        JOIN attempt_end ON attempt_end.attempt_id = attempt.id
        WHERE attempt.run_id = planned.run_id
    ), 0) AS dollars,
    newest_end.reason AS last_reason,
    registration.fidelity,
    registration.id AS registration_id,
    planned.experiment_id,
    run.id AS run_id,
    run.key AS run_key
FROM experiment_run AS planned
JOIN experiment ON experiment.id = planned.experiment_id
JOIN registration ON registration.id = experiment.registration_id
JOIN run ON run.id = planned.run_id
LEFT JOIN run_result ON run_result.run_id = planned.run_id
LEFT JOIN metric AS test_accuracy
    ON test_accuracy.run_id = planned.run_id
    AND test_accuracy.name = 'test_accuracy' AND test_accuracy.condition = ''
LEFT JOIN attempt AS newest
    ON newest.run_id = planned.run_id
    AND newest.number = (SELECT MAX(attempt.number) FROM attempt WHERE attempt.run_id = planned.run_id)
LEFT JOIN attempt_end AS newest_end ON newest_end.attempt_id = newest.id
LEFT JOIN attempt_handle ON attempt_handle.attempt_id = newest.id
WHERE {NEWEST}
"""

# The newest verdict of a registration; of a proposal, whatever was run (latest); and of a proposal at the best fidelity
# it was run at, so that a quick run does not displace a full one (stands). Each looks up one id.
NEWEST_VERDICT = "(SELECT MAX(other.id) FROM verdict AS other WHERE other.registration_id = registration.id)"
LATEST = """(
    SELECT MAX(other.id) FROM verdict AS other
    JOIN registration AS its ON its.id = other.registration_id
    WHERE its.stem = {table}.stem
)"""
STANDING = """(
    SELECT other.id FROM verdict AS other
    JOIN registration AS its ON its.id = other.registration_id
    WHERE its.stem = {table}.stem
    ORDER BY CASE its.fidelity WHEN 'specified' THEN 1 WHEN 'reduced' THEN 2 ELSE 3 END, other.id DESC
    LIMIT 1
)"""

# One row a registration that was judged: its newest verdict.
VERDICTS = f"""
CREATE VIEW verdicts AS
SELECT
    registration.stem,
    proposal.number,
    proposal.title,
    verdict.verdict,
    COALESCE(overruled.verdict, verdict.verdict) AS policy_verdict,
    COALESCE(overruled.rule, verdict.rule) AS rule,
    verdict.reasons,
    COALESCE(overruled.caveats, verdict.caveats) AS caveats,
    verdict.overruled_by,
    verdict.judged_at,
    registration.fidelity,
    experiment.executor,
    COALESCE((
        SELECT SUM(attempt_end.dollars) FROM experiment AS paying
        JOIN attempt ON attempt.experiment_id = paying.id
        JOIN attempt_end ON attempt_end.attempt_id = attempt.id
        WHERE paying.registration_id = registration.id
    ), 0) AS cost,
    (
        SELECT COUNT(DISTINCT verdict_run.seed) FROM verdict_run
        WHERE verdict_run.verdict_id = COALESCE(overruled.id, verdict.id)
    ) AS seeds,
    registration.sha256 AS registration,
    registration.git_commit,
    verdict.id AS verdict_id,
    registration.id AS registration_id,
    verdict.experiment_id,
    (verdict.id = {LATEST.format(table="registration")}) AS latest,
    (verdict.id = {STANDING.format(table="registration")}) AS stands
FROM registration
JOIN verdict ON verdict.id = {NEWEST_VERDICT}
JOIN proposal ON proposal.stem = registration.stem
JOIN experiment ON experiment.id = verdict.experiment_id
LEFT JOIN verdict AS overruled ON overruled.id = verdict.supersedes_id
"""

# Every registered criterion has a row, judged or not. Outcomes are the policy's, also where a person
# overruled it.
CRITERIA = f"""
CREATE VIEW criteria AS
SELECT
    registration.stem,
    criterion.criterion,
    criterion.role,
    criterion.text,
    criterion_outcome.target,
    criterion_outcome.achieved,
    criterion_outcome.low,
    criterion_outcome.high,
    criterion_outcome.margin,
    criterion_outcome.unit,
    criterion_outcome.decision,
    criterion_outcome.estimand,
    criterion_outcome.reason,
    criterion_outcome.look,
    criterion_outcome.more_seeds,
    criterion.section,
    criterion.canonical,
    criterion.position,
    registration.fidelity,
    registration.id AS registration_id,
    judged.id AS verdict_id,
    COALESCE(newest.id = {LATEST.format(table="registration")}, 1 = 0) AS latest,
    COALESCE(newest.id = {STANDING.format(table="registration")}, 1 = 0) AS stands
FROM criterion
JOIN registration ON registration.id = criterion.registration_id
LEFT JOIN verdict AS newest ON newest.id = {NEWEST_VERDICT}
LEFT JOIN verdict AS judged ON judged.id = COALESCE(newest.supersedes_id, newest.id)
LEFT JOIN criterion_outcome
    ON criterion_outcome.verdict_id = judged.id AND criterion_outcome.criterion = criterion.criterion
"""

# Attempts that nobody has collected. One that trains a run shared by two variants is named after the first.
UNCOLLECTED = """
CREATE VIEW uncollected AS
SELECT
    registration.stem,
    (
        SELECT MIN(experiment_run.variant) FROM experiment_run
        WHERE experiment_run.experiment_id = attempt.experiment_id AND experiment_run.run_id = attempt.run_id
    ) AS variant,
    run.seed,
    attempt.submitted_at,
    attempt.executor,
    attempt_handle.handle,
    attempt.host,
    attempt.boot_id,
    attempt.number AS attempt_number,
    attempt.id AS attempt_id,
    attempt.experiment_id,
    run.key AS run_key
FROM attempt
JOIN run ON run.id = attempt.run_id
JOIN experiment ON experiment.id = attempt.experiment_id
JOIN registration ON registration.id = experiment.registration_id
LEFT JOIN attempt_handle ON attempt_handle.attempt_id = attempt.id
LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id
WHERE attempt_end.attempt_id IS NULL
"""

DEVIATIONS = """
CREATE VIEW deviations AS
SELECT
    registration.stem,
    deviation.field,
    deviation.before,
    deviation.after,
    deviation.results_seen,
    registration.registered_at,
    registration.fidelity,
    deviation.registration_id,
    deviation.earlier_id
FROM deviation
JOIN registration ON registration.id = deviation.registration_id
"""

# SQL has no median that SQLite and PostgreSQL share: the mean of the one or two runs in the middle.
# parameters, state_memory: of any run of the variant; they do not depend on the seed.
LEADERBOARD = f"""
CREATE VIEW leaderboard AS
SELECT
    registration.stem,
    medians.variant,
    medians.test_accuracy,
    medians.lowest,
    medians.highest,
    medians.seeds,
    parameters.value AS parameters,
    state_memory.value AS state_memory,
    medians.mean_seconds,
    registration.fidelity,
    medians.registration_id
FROM (
    SELECT
        registration_id,
        variant,
        AVG(CASE WHEN ABS(2 * place - seeds - 1) <= 1 THEN test_accuracy END) AS test_accuracy,
        MIN(test_accuracy) AS lowest,
        MAX(test_accuracy) AS highest,
        COUNT(*) AS seeds,
        AVG(seconds) AS mean_seconds,
        MAX(run_id) AS run_id
    FROM (
        SELECT
            registration_id,
            variant,
            test_accuracy,
            seconds,
            run_id,
            ROW_NUMBER() OVER (PARTITION BY registration_id, variant ORDER BY test_accuracy, seed) AS place,
            COUNT(*) OVER (PARTITION BY registration_id, variant) AS seeds
        FROM (
            SELECT
                experiment.registration_id,
                planned.variant,
                planned.seed,
                planned.run_id,
                tested.value AS test_accuracy,
                run_result.seconds
            FROM experiment_run AS planned
            JOIN experiment ON experiment.id = planned.experiment_id
            JOIN metric AS tested
                ON tested.run_id = planned.run_id AND tested.name = 'test_accuracy' AND tested.condition = ''
            JOIN run_result ON run_result.run_id = planned.run_id
            WHERE {NEWEST}
        ) AS tested_runs
    ) AS ranked
    GROUP BY registration_id, variant
) AS medians
JOIN registration ON registration.id = medians.registration_id
LEFT JOIN metric AS parameters
    ON parameters.run_id = medians.run_id AND parameters.name = 'parameters' AND parameters.condition = ''
LEFT JOIN metric AS state_memory
    ON state_memory.run_id = medians.run_id AND state_memory.name = 'state_memory' AND state_memory.condition = ''
ORDER BY medians.test_accuracy DESC
"""

# The verdict that stands counts; proposals without one count as not judged.
TRICKS = f"""
CREATE VIEW tricks AS
SELECT
    based_on.trick,
    COUNT(*) AS proposals,
    COUNT(newest.verdict) AS judged,
    SUM(CASE WHEN newest.verdict = 'PROCEED' THEN 1 ELSE 0 END) AS proceed,
    SUM(CASE WHEN newest.verdict = 'ABANDON' THEN 1 ELSE 0 END) AS abandon,
    SUM(CASE WHEN newest.verdict = 'DEBUG' THEN 1 ELSE 0 END) AS debug,
    SUM(CASE WHEN newest.verdict = 'INCONCLUSIVE' THEN 1 ELSE 0 END) AS inconclusive
FROM based_on
LEFT JOIN verdict AS newest ON newest.id = {STANDING.format(table="based_on")}
GROUP BY based_on.trick
"""

VIEWS: dict[str, str] = {
    "spend": SPEND,
    "runs": RUNS,
    "verdicts": VERDICTS,
    "criteria": CRITERIA,
    "uncollected": UNCOLLECTED,
    "deviations": DEVIATIONS,
    "leaderboard": LEADERBOARD,
    "tricks": TRICKS,
}
"""In the order in which they can be created."""
