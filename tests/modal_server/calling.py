"""Calls as the client sees them: spawned, mapped, asked after, cancelled."""

import time
from collections import deque

from grpclib import GRPCError, Status
from modal_proto import api_pb2 as api

from tests.modal_server.containers import Containers
from tests.modal_server.deploying import _empty
from tests.modal_server.rpc import answers
from tests.modal_server.state import Call, Input


class Calling(Containers):
    @answers
    async def FunctionMap(self, request, task):
        function = self.found(self.state.functions, request.function_id, "function")
        if self.faults.due("refuse"):
            self.state.note("refused", function=function.id)
            raise GRPCError(Status.INVALID_ARGUMENT, "the workspace has reached its limit")
        call = Call(self.state.new_id("fc"), function.id, request.function_call_invocation_type)
        self.state.calls[call.id] = call
        items = [self._take_in(call, item) for item in request.pipelined_inputs]
        self.state.note("called", call=call.id, function=function.definition.function_name, inputs=len(items))
        await self.schedule()
        return api.FunctionMapResponse(
            function_call_id=call.id, function_call_jwt=call.id, pipelined_inputs=items, max_inputs_outstanding=1000
        )

    @answers
    async def FunctionPutInputs(self, request, task):
        call = self.found(self.state.calls, request.function_call_id, "call")
        items = [self._take_in(call, item) for item in request.inputs]
        await self.schedule()
        return api.FunctionPutInputsResponse(inputs=items)

    def _take_in(self, call: Call, item: api.FunctionPutInputsItem) -> api.FunctionPutInputsResponseItem:
        one = Input(self.state.new_id("in"), item.idx, call.id, item.input)
        call.inputs[one.id] = self.state.inputs[one.id] = one
        self.state.queues.setdefault(call.function, deque()).append(one.id)
        return api.FunctionPutInputsResponseItem(idx=one.index, input_id=one.id, input_jwt=one.id)

    # -- asked after -----------------------------------------------------------------------------------------

    @answers
    async def FunctionGetOutputs(self, request, task):
        """Outputs that the caller has not seen, or those of a range of inputs; waits for the first of them."""
        call = self.found(self.state.calls, request.function_call_id, "call")
        deadline = time.monotonic() + request.timeout
        streaming = not request.HasField("start_idx")
        seen = int((request.last_entry_id or "0-0").split("-")[0])
        while True:
            if streaming:
                found = call.order[seen:]
            else:
                found = [index for index in call.order if request.start_idx <= index <= request.end_idx]
            unfinished = len(call.inputs) - len(call.outputs) - len(call.expired)
            if found or not unfinished or time.monotonic() >= deadline or self.state.ending:
                break
            await self.state.wait(deadline - time.monotonic())
        return api.FunctionGetOutputsResponse(
            outputs=[call.outputs[index] for index in found],
            idxs=found,
            last_entry_id=f"{seen + len(found)}-0",
            num_unfinished_inputs=unfinished,
        )

    @answers
    async def FunctionCallFromId(self, request, task):
        call = self.found(self.state.calls, request.function_call_id, "call")
        about = api.FunctionCallHandleMetadata(
            app_id=self.state.functions[call.function].app, function_id=call.function
        )
        return api.FunctionCallFromIdResponse(function_call_id=call.id, num_inputs=len(call.inputs), metadata=about)

    @answers
    async def FunctionGetCallGraph(self, request, task):
        call = self.found(self.state.calls, request.function_call_id, "call")
        inputs = [
            api.InputCallGraphInfo(
                input_id=one.id, function_call_id=call.id, task_id=one.task,
                status=call.outputs[one.index].result.status if one.index in call.outputs else 0,
            )
            for one in call.inputs.values()
        ]  # fmt: skip
        definition = self.state.functions[call.function].definition
        about = api.FunctionCallCallGraphInfo(
            function_call_id=call.id, function_name=definition.function_name, module_name=definition.module_name
        )
        return api.FunctionGetCallGraphResponse(inputs=inputs, function_calls=[about])

    # -- cancelled -------------------------------------------------------------------------------------------

    @answers
    async def FunctionCallCancel(self, request, task):
        call = self.found(self.state.calls, request.function_call_id, "call")
        self.state.note("cancelled", call=call.id, terminate=request.terminate_containers)
        for one in call.inputs.values():
            if one.index in call.outputs:
                continue
            one.cancelled = True
            queue = self.state.queues.get(call.function, deque())
            if one.id in queue:
                queue.remove(one.id)
                self.put_output(one, _terminated())
                continue
            container = self.state.containers.get(one.task)
            if container is None:
                continue
            if request.terminate_containers:
                self.background(self.stop(container, verdict=_terminated()))
            else:
                container.cancellations.append(one.id)
        await self.state.notify()
        return _empty()


def _terminated() -> api.GenericResult:
    return api.GenericResult(
        status=api.GenericResult.GENERIC_STATUS_TERMINATED, exception="Function call was cancelled by user"
    )
