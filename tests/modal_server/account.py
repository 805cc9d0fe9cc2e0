"""The workspace's side: its name, and what an hour costs."""

from grpclib import GRPCError, Status
from modal_proto import api_pb2 as api

from tests.modal_server.faults import Faults
from tests.modal_server.rpc import Answering, answers

RATES = {
    "gpu_hour_cost_t4": "0.59",
    "gpu_hour_cost_l4": "0.80",
    "gpu_hour_cost_l40s": "1.95",
    "gpu_hour_cost_a100_80gb": "2.50",
    "gpu_hour_cost_h100": "3.95",
    "cpu_hour_cost": "0.0473",
    "mem_gib_hour_cost": "0.008",
    "volume_gib_month_cost": "0.09",
}
"""Dollars, by the names that the real service gives them (docs/modal.md)."""


class Account(Answering):
    faults: Faults

    @answers
    async def WorkspaceNameLookup(self, request, task):
        return api.WorkspaceNameLookupResponse(workspace_name="local", username="local")

    @answers
    async def WorkspaceBillingRates(self, request, task):
        """The fault `rates` puts others in their place, or refuses to tell them where it names none."""
        fault = self.faults.due("rates")
        rates = fault.get("rates") if fault else RATES
        self.state.note("rates", told=rates)
        if rates is None:
            raise GRPCError(Status.PERMISSION_DENIED, "this token may not ask for rates")
        return api.WorkspaceBillingRatesResponse(rates=rates, formatted="")
