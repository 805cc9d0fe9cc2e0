"""All that is asked of the catalog, in the order in which an experiment asks it.

Each function is one transaction and takes the engine of an open catalog; the time is a parameter of whatever
writes one. Writing the same twice changes nothing.
"""

from db.engine import Catalog as Catalog
from db.engine import open_catalog as open_catalog
from db.errors import CatalogError as CatalogError
from db.errors import ChangedCodeError as ChangedCodeError
from db.imported import ImportedReport as ImportedReport
from db.imported import imported_report as imported_report
from db.judging import Overruling as Overruling
from db.judging import StoredJudgement as StoredJudgement
from db.judging import latest_judgement as latest_judgement
from db.judging import overrule as overrule
from db.judging import overruling_of as overruling_of
from db.judging import record_judgement as record_judgement
from db.logbook import LogEntry as LogEntry
from db.logbook import add_log as add_log
from db.logbook import log_of as log_of
from db.registering import Deviation as Deviation
from db.registering import Registered as Registered
from db.registering import deviations_of as deviations_of
from db.registering import latest_registration as latest_registration
from db.registering import load_registration as load_registration
from db.registering import record_proposal as record_proposal
from db.registering import register as register
from db.registering import registration_with as registration_with
from db.reporting import ExperimentFacts as ExperimentFacts
from db.reporting import Fault as Fault
from db.reporting import RunState as RunState
from db.reporting import facts_of as facts_of
from db.reporting import faults_of as faults_of
from db.reporting import run_states as run_states
from db.results import AlteredRun as AlteredRun
from db.results import StoredRun as StoredRun
from db.results import altered_runs as altered_runs
from db.results import measurements_of as measurements_of
from db.results import record_result as record_result
from db.results import results_of as results_of
from db.running import OpenAttempt as OpenAttempt
from db.running import PlannedRun as PlannedRun
from db.running import Spend as Spend
from db.running import begin_attempt as begin_attempt
from db.running import begin_attempts as begin_attempts
from db.running import end_attempt as end_attempt
from db.running import latest_experiment as latest_experiment
from db.running import open_attempts as open_attempts
from db.running import plan_runs as plan_runs
from db.running import registration_of_experiment as registration_of_experiment
from db.running import runs_without_result as runs_without_result
from db.running import spend_of as spend_of
from db.running import start_experiment as start_experiment
from db.running import store_handle as store_handle
