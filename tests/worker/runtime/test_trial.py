"""Trials: what a job takes on this worker, measured once and within bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.worker_in_process import gaussian_job, in_loop, register, serve
from tiling.errors import AbandonedError
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.kernels import native, reference
from tiling.kernels.watch import Watch, watching
from tiling.operations import Operation
from worker.runtime import trial
from worker.runtime.trial import Trial, noise, shape_of, tried
from worker.settings import Settings

WORK = Settings(threads=1).trial_work
CASES: list[tuple[str, int, str, dict[str, Any]]] = [
    ("gaussian_filter", 2, "f4", {"sigma": 2}),
    ("gaussian_filter", 3, "D", {"sigma": 1}),
    ("gaussian_filter", 12, "u1", {"sigma": 0.5}),
    ("gaussian_filter", 0, "f8", {"sigma": 1}),
    ("median_filter", 2, "u2", {"size": 31}),
    ("median_filter", 2, "f4", {"size": 9, "mode": "wrap"}),
    ("uniform_filter", 1, "i8", {"size": 5}),
    ("binary_erosion", 2, "?", {"iterations": 3}),
    ("white_tophat", 2, "i1", {"size": 3}),
]


def job_of(name: str, ndim: int, dtype: str, parameters: dict[str, Any]) -> Job:
    return Job(ndim, (FILTERS[name].call(ndim, np.dtype(dtype), **parameters),))


@pytest.mark.parametrize("kernel", [native.run, reference.run], ids=["native", "reference"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case[:3])))
def test_every_job_can_be_tried(kernel: Any, case: tuple[str, int, str, dict[str, Any]]) -> None:
    """Whatever filter, axes and dtype: some samples, in some time."""
    found = tried(job_of(*case), kernel, WORK)
    assert found is not None
    assert 1 <= found.samples <= trial.LARGEST
    assert found.seconds > 0
    assert set(found.to_json()) == {"samples", "seconds"}


class Clock:
    """A thread's time that goes on by so much for each sample that a kernel filters."""

    def __init__(self, per_sample_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.sizes: list[int] = []
        self._per_sample_s = per_sample_s
        monkeypatch.setattr(trial.time, "thread_time", lambda: self.now)

    def __call__(
        self, _: Operation, block: npt.NDArray[Any], __: tuple[slice, ...], out: npt.NDArray[Any]
    ) -> None:
        self.sizes.append(block.size)
        self.now += block.size * self._per_sample_s
        out[...] = 0


@pytest.mark.parametrize(
    ("per_sample_s", "sizes"),
    [
        (1e-12, [2**10, 2**10, 2**13, 2**16, 2**19, 2**20]),
        (1e-7, [2**10, 2**10, 2**13, 2**16]),
        (5e-7, [2**10, 2**10, 2**13]),
        (1e-3, [2**10, 2**10]),
    ],
)
def test_blocks_grow_until_one_is_timed_well(
    per_sample_s: float, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No block is begun that would take too long, and the last one counts."""
    kernel = Clock(per_sample_s, monkeypatch)
    monkeypatch.setattr(trial, "MOST_S", 0.08)
    found = tried(gaussian_job(np.ones(4), 1.0), kernel, WORK)
    assert kernel.sizes == sizes
    assert found is not None
    assert found.samples == sizes[-1]
    assert found.seconds == pytest.approx(found.samples * per_sample_s)


def test_what_can_not_be_tried() -> None:
    """Too much work for a trial, and kernels that fail, leave no trial."""
    assert tried(job_of("median_filter", 2, "f4", {"size": 301}), reference.run, WORK) is None

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    assert tried(gaussian_job(np.ones(4), 1.0), broken, WORK) is None
    watch = Watch()
    watch.cancel()
    with watching(watch), pytest.raises(AbandonedError):
        tried(gaussian_job(np.ones(4), 1.0), reference.run, WORK)


def test_noise_is_usual() -> None:
    """Neither constant nor beyond what the dtype has, and the same each time."""
    for dtype in ("?", "i1", "u1", "i8", "u8", "f4", "f8", "F", "D"):
        job = gaussian_job(np.ones((1, 1), dtype), 1.0)
        block = noise(job, (40, 30))
        assert block.dtype == dtype
        assert block.tobytes() == noise(job, (40, 30)).tobytes()
        assert len(np.unique(block)) > 1
        assert (np.abs(block) < 256).all()


@pytest.mark.parametrize("ndim", [1, 2, 3, 5, 10, 32])
def test_shapes_are_about_cubic(ndim: int) -> None:
    """Nearly so many samples, and sides that differ by one at most."""
    for samples in (2**10, 2**13, 2**20):
        shape = shape_of(ndim, samples)
        assert samples / 2 <= math.prod(shape) <= samples
        assert max(shape) - min(shape) <= 1


@in_loop
async def test_a_job_is_tried_once() -> None:
    """Each registration answers the same trial; it is forgotten with the job."""
    job = gaussian_job(np.ones((4, 4), "f4"), 2.0)
    json = {"Content-Type": "application/json"}
    async with serve(Settings(threads=1, jobs=1)) as (_, client):
        answers = []
        for _ in range(2):
            async with client.post("/v1/jobs", data=job.encode(), headers=json) as response:
                answers.append(await response.json())
        assert answers[0] == answers[1]
        assert set(answers[0]) == {"job", "trial"}
        assert Trial(**answers[0]["trial"]).seconds > 0
    async with serve(Settings(threads=1, trial_work=0)) as (_, client):
        await register(client, job)
        async with client.post("/v1/jobs", data=job.encode(), headers=json) as response:
            assert await response.json() == {"job": job.digest}
