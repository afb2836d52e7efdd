"""Endpoints that follow a real MLflow server. PROMOTIONS and SWAPS make it longer, EVIDENCE_FILE keeps the figures."""

import json
import os
import time
from pathlib import Path

import pytest
from world import SECRET, WIDTH, Load, Registry, Slipway, run_slipway, until

PROMOTIONS = int(os.environ.get("PROMOTIONS", "4"))
SWAPS = int(os.environ.get("SWAPS", "24"))
POLLED = {"REGISTRY_POLL_INTERVAL_MS": "1000"}
NEVER_POLLED = {"REGISTRY_POLL_INTERVAL_MS": "3600000", "REGISTRY_MLFLOW_WEBHOOK_SECRET": SECRET}
DEFAULT_POLL = {}


def evidence(**figures):
    file = os.environ.get("EVIDENCE_FILE")
    if file:
        known = json.loads(Path(file).read_text()) if Path(file).exists() else {}
        Path(file).write_text(json.dumps(known | figures))


def several(registry: Registry, count: int) -> dict[str, int]:
    """Versions by number, with what each adds."""
    return {registry.add(100 + i): 100 + i for i in range(count)}


def take_turns(slipway: Slipway, versions: list[str], promote, count: int, most_seconds: float) -> list[float]:
    """Promotes one after the other, each once the one before serves; seconds that each took."""
    took = []
    for i in range(count):
        version = versions[(i + 1) % len(versions)]
        promote(version)
        start = time.monotonic()
        until(lambda: slipway.endpoint()["version"] == version, most_seconds + 10, f"the switch to {version}")
        took.append(time.monotonic() - start)
    return took


@pytest.mark.parametrize("by", ["alias", "stage"])
def test_promotions_by_polling_fail_no_request(registry, serve, by):
    bias_of = several(registry, 4)
    versions = list(bias_of)
    promote = registry.alias if by == "alias" else registry.stage
    promote(versions[0])
    reference = f"models:/{registry.name}@champion" if by == "alias" else f"models:/{registry.name}/Production"
    slipway = serve(reference, DEFAULT_POLL if PROMOTIONS > 10 else POLLED)
    with Load(slipway.port, bias_of) as load:
        took = take_turns(slipway, versions, promote, PROMOTIONS // 2, 8)
    assert load.failures == []
    assert load.versions == set(versions[: PROMOTIONS // 2 + 1])
    evidence(**{f"polled_{by}": {"promotions": len(took), "slowest_s": max(took), "answered": load.answered}})


def test_promotions_by_webhook_need_no_poll(registry, serve):
    bias_of = several(registry, 4)
    versions = list(bias_of)
    registry.alias(versions[0])
    slipway = serve(f"models:/{registry.name}@champion", NEVER_POLLED)
    hook = registry.client.create_webhook(
        "slipway", f"{slipway.url}/webhooks/mlflow", ["model_version_alias.created"], secret=SECRET
    )
    with Load(slipway.port, bias_of) as load:
        took = take_turns(slipway, versions, registry.alias, PROMOTIONS, 2)
    registry.client.delete_webhook(hook.webhook_id)
    assert load.failures == []
    evidence(webhook={"promotions": len(took), "slowest_s": max(took), "answered": load.answered})


def without_file(folder: Path):
    (folder / "model.onnx").unlink()


def truncated(folder: Path):
    content = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(content[: len(content) // 2])


def false_golden(folder: Path):
    example = {"input": {"f0": 1, "f1": 2, "f2": 3}, "output": {"prediction": -1}}
    (folder / "golden.json").write_text(json.dumps([example]))


BROKEN = [
    ("model.onnx", {"change": without_file}),
    ("digest", {"tags": {"slipway.digest": "sha256:" + "0" * 64}}),
    ("Golden example 1 does not hold", {"change": false_golden}),
    ("break the callers", {"width": WIDTH + 1}),
    ("not a whole ONNX model", {"change": truncated}),
]


def test_broken_versions_take_no_traffic(registry, serve):
    good = registry.add(100)
    registry.alias(good)
    slipway = serve(f"models:/{registry.name}@champion", POLLED)
    count = 0
    with Load(slipway.port, {good: 100}) as load:
        for reason, spoilt in BROKEN * (2 if PROMOTIONS > 10 else 1):
            version = registry.add(200, **spoilt)
            registry.alias(version)
            refused = until(
                lambda: (found := slipway.endpoint()["candidate"])
                and found["version"] == version
                and found["state"] == "refused"
                and found,
                20,
                f"the refusal of {version} ({reason})",
            )
            assert reason in refused["reason"]
            assert refused["next_try"] > refused["since"]
            assert slipway.endpoint()["version"] == good
            count += 1
        health = slipway.health()
        assert health["status"] == "degraded"
        assert f"does not take version {version}" in health["problems"][0]
        status = run_slipway(slipway.folder, "models", "status", "--url", slipway.url, tracking="")
        assert f"{version} refused" in status.stdout
        registry.alias(good)
        until(lambda: slipway.health()["status"] == "ok", 20, "the end of the refusal")
    assert load.failures == []
    assert load.versions == {good}
    evidence(broken={"versions": count, "answered": load.answered})


def test_slipway_goes_on_without_mlflow(server, registry, serve):
    bias_of = several(registry, 2)
    first, second = bias_of
    registry.alias(first)
    slipway = serve(f"models:/{registry.name}@champion", POLLED)
    with Load(slipway.port, bias_of) as load:
        server.kill()
        until(lambda: slipway.health()["status"] == "degraded", 30, "the outage")
        assert "cannot ask its registry" in slipway.health()["problems"][0]
        server.start()
        registry.alias(second)
        until(lambda: slipway.endpoint()["version"] == second, 90, "the switch after the outage")
        until(lambda: slipway.health()["status"] == "ok", 30, "the end of the outage")
    assert load.failures == []
    slipway.stop()
    server.kill()
    try:
        restarted = serve(f"models:/{registry.name}@champion", POLLED)
        assert restarted.endpoint()["version"] == second
        until(lambda: restarted.health()["status"] == "degraded", 30, "the outage")
        with Load(restarted.port, bias_of) as alone:
            until(lambda: alone.answered > 100, 20, "answers from the cache")
        assert alone.failures == []
        assert restarted.health()["status"] == "degraded"
    finally:
        server.start()
    evidence(outage={"answered": load.answered + alone.answered})


def padded(folder: Path):
    with open(folder / "padding.bin", "wb") as padding:
        padding.write(os.urandom(1 << 20) * 400)


def downloading(slipway: Slipway) -> bool:
    return any((slipway.folder / ".slipway/mlflow").glob("*/incoming/**/padding.bin.part"))


def test_a_stop_does_not_wait_for_a_download(registry, serve):
    registry.alias(registry.add(100))
    slipway = serve(f"models:/{registry.name}@champion", POLLED)
    registry.alias(registry.add(101, change=padded))
    until(lambda: downloading(slipway), 30, "the download")
    assert slipway.stop() == 0
    assert downloading(slipway), "the download was waited for"
    assert "padding.bin" not in (slipway.folder / "errors.txt").read_text()


def test_a_download_that_breaks_off_is_gone_on_with(server, registry, serve, tmp_path):
    first = registry.add(100)
    registry.alias(first)
    slipway = serve(f"models:/{registry.name}@champion", POLLED)
    second = registry.add(101, change=padded)
    incoming = slipway.folder / ".slipway/mlflow"
    with Load(slipway.port, {first: 100, second: 101}) as load:
        registry.alias(second)
        until(lambda: downloading(slipway), 30, "the download")
        server.kill()
        refused = until(
            lambda: (found := slipway.endpoint()["candidate"]) and found["state"] == "refused" and found, 40, "the refusal"
        )
        assert "broke off" in refused["reason"] or "cannot be reached" in refused["reason"], refused["reason"]
        server.start()
        until(lambda: slipway.endpoint()["version"] == second, 120, "the switch to the second version")
    assert load.failures == []
    assert not list(incoming.glob("*/incoming/*"))
    evidence(broken_download={"answered": load.answered})


def test_many_swaps_keep_memory(registry, serve):
    bias_of = several(registry, 5)
    versions = list(bias_of)
    registry.alias(versions[0])
    slipway = serve(f"models:/{registry.name}@champion", {"REGISTRY_POLL_INTERVAL_MS": "100", "REGISTRY_ROLLBACK_WINDOW_MS": "1000"})
    with Load(slipway.port, bias_of, 100) as load:
        take_turns(slipway, versions, registry.alias, 20, 20)
        early = slipway.memory()
        take_turns(slipway, versions, registry.alias, SWAPS - 20, 20)
        late = slipway.memory()
    assert load.failures == []
    evidence(memory={"swaps": SWAPS, "early": early, "late": late, "ratio": late / early})
    assert late <= 1.15 * early
