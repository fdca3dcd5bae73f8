"""What a worker counts, as a monitor reads it."""

from __future__ import annotations

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.support.worker_in_process import filtered, gaussian_job, in_loop, register, serve
from worker.settings import Settings

BLOCK = np.arange(60, dtype="<i4").reshape(6, 10)


@in_loop
async def test_metrics_count_what_happened() -> None:
    """Two tiles and a refusal show in Prometheus' format."""
    job = gaussian_job(BLOCK, 1.0)
    async with serve(Settings(threads=2)) as (_, client):
        await register(client, job)
        for _ in range(2):
            await filtered(client, job, BLOCK)
        async with client.get("/v1/nothing") as response:
            assert response.status == 404
        async with client.get("/metrics") as response:
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            text = await response.text()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    name = "tilefan_worker_"
    assert samples[f"{name}answered_total", "tile"] == 2
    assert samples[f"{name}refused_total", "urn:tilefan:not-found"] == 1
    assert samples[f"{name}received_bytes_total",] == 2 * BLOCK.nbytes
    assert samples[f"{name}sent_bytes_total",] == 2 * BLOCK.nbytes
    assert samples[f"{name}seconds_count",] == 2
    assert (samples[f"{name}slots",], samples[f"{name}jobs",]) == (3, 1)
    assert (samples[f"{name}ready",], samples[f"{name}queue",]) == (1, 0)
