"""Sign-off in a DAG: Airflow asks for the decision and waits, and the answer is entered into the ledger."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from wardlake.errors import PermanentError
from wardlake.quality import sign
from wardlake.quality.runs import Signature
from wardlake.settings import Settings
from wardlake_airflow.links import ASK_TASK, ReportLink

LONGEST_WAIT = timedelta(days=7)
APPROVE, REJECT = "Approve", "Reject"
DECISIONS = {APPROVE: "approved", REJECT: "rejected"}

QUESTION = """\
**{{{{ {report}['headline'] }}}}**

[Read the report]({{{{ {report}['page'] }}}}) before you answer. Your name, your remark and the report's SHA-256 are
entered into the ledger:

`{{{{ {report}['sha256'] }}}}`

*Approve*: gold is published. *Reject*: published gold stays as it was; say why in the remark.
"""


def ask_auditor(report_task_id: str) -> HITLOperator:
    """A task that shows what the task of the report has returned, and waits for the decision without a worker.

    It does not use Airflow's ApprovalOperator, which skips what follows a rejection: a rejection is entered as well.
    """
    report = f"ti.xcom_pull(task_ids='{report_task_id}')"
    asked = HITLOperator(
        task_id=ASK_TASK,
        subject=f"Sign off run {{{{ {report}['run_id'] }}}}",
        body=QUESTION.format(report=report),
        options=[APPROVE, REJECT],
        params={"remark": Param(None, type=["null", "string"], title="Remark", description="A rejection needs one.")},
        response_timeout=LONGEST_WAIT,
        execution_timeout=None,
        retries=0,
        doc_md="Shows the run and waits for an auditor's decision, for a week at most; then, or if the signature was "
        "refused, clear this task to ask again.",
    )
    asked.operator_extra_links = (ReportLink(),)
    return asked


def enter_answer(settings: Settings, report: Mapping[str, Any], answer: Mapping[str, Any]) -> Signature:
    """Sign with the name of the user who answered, and the hash of the report that the question named.

    Raises:
        PermanentError: nobody answered, or the signature is refused.
        PassingError: the store did not answer.
    """
    user = answer["responded_by_user"]
    if not user:
        raise PermanentError(f"Nobody has answered for run {report['run_id']}.", remedy=f"Clear {ASK_TASK}.")
    return sign(
        settings,
        report["run_id"],
        report["sha256"],
        DECISIONS[answer["chosen_options"][0]],
        user["name"],
        str(answer["params_input"].get("remark") or ""),
    )
