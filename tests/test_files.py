"""Each module has a test file of its name, or is listed here with what proves it instead."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("smartdns", "registry", "cli", "zones")

VALUES = "values alone, without a decision"
IN_CHECK = "registry/web/pages/test_check.py"
IN_DOCTOR = "cli/doctor/test_doctor.py plants each fault that it finds"
IN_BROWSER = "registry/web/pages/test_in_a_browser.py"
IN_AUDIT = "privacy/test_audit.py plants leaks that it must find"
IN_FORMATS = "zones/importing/test_formats.py reads each format"
IN_FAULTS = "journeys/test_faults.py"
WITHOUT = {
    "smartdns/answering/knowledge.py": VALUES,
    "smartdns/answering/numbers.py": "constants alone",
    "smartdns/answering/query.py": VALUES,
    "smartdns/answering/replies/upstream_reply.py": VALUES,
    "smartdns/contract/grants.py": VALUES,
    "smartdns/contract/redis_layout.py": "both planes': contracts/test_allowlist_layout.py",
    "smartdns/allowlist/redis_feed.py": "smartdns/allowlist/test_redis_faults.py, on a real one",
    "smartdns/resolver/listeners.py": "smartdns/resolver/test_datagrams.py",
    "smartdns/resolver/stream.py": "smartdns/resolver/test_pipelining.py",
    "smartdns/resolver/fast/views.py": "smartdns/resolver/fast/test_memo.py",
    "smartdns/roles/diagnosis.py": "journeys/test_main_job.py follows an address through it",
    "smartdns/telemetry/metrics_http.py": "smartdns/telemetry/test_metrics.py asks it",
    "smartdns/upstream/addresses.py": "smartdns/test_settings.py reads each form",
    "registry/actions/accounts/importing.py": "cli/account/test_importing.py, by the command",
    "registry/actions/addresses/by_operator.py": "cli/test_address.py, by the command",
    "registry/actions/addresses/registrations.py": "registry/actions/addresses/test_registering.py",
    "registry/actions/addresses/removing.py": "registry/actions/addresses/test_registering.py",
    "registry/actions/errors.py": "texts of refusals, each in the test of what refuses",
    "registry/actions/find_account.py": "registry/actions/accounts/test_adding.py",
    "registry/actions/updaters/hostnames.py": "registry/following/test_hostnames.py",
    "registry/backup.py": "cli/test_database.py; journeys/test_restore.py",
    "registry/database/bulk.py": "registry/actions/accounts/test_adding.py, on both databases",
    "registry/database/migrations/env.py": "Alembic's: registry/database/test_schema.py",
    "registry/languages.py": "registry/web/server/test_language.py",
    "registry/models.py": "columns: registry/actions/accounts/test_export.py has every one",
    "registry/pending.py": "registry/publishing/test_drain.py",
    "registry/publishing/heads.py": "registry/publishing/test_drain.py",
    "registry/publishing/inspection.py": "cli/test_allowlist.py, by the command",
    "registry/web/household.py": IN_BROWSER,
    "registry/web/pages/checked_services.py": IN_CHECK,
    "registry/web/pages/choices.py": "registry/web/pages/test_dns_settings.py",
    "registry/web/pages/guide_texts.py": "texts: registry/web/server/test_language.py",
    "registry/web/pages/guides.py": "registry/web/pages/test_help_in_a_browser.py",
    "registry/web/pages/router_configurations.py": "registry/web/updates/test_real_updaters.py",
    "registry/web/refusals.py": "registry/web/server/test_language.py",
    "registry/web/server/dispatch.py": "attacks/test_wrong_passwords_at_once.py",
    "registry/web/sign_in/known_browsers.py": "attacks/test_lock_out.py",
    "registry/web/arriving/known.py": "attacks/test_lock_out.py",
    "registry/web/updates/link_page.py": "attacks/test_link_previews.py",
    "registry/web/server/application.py": "every test in registry/web/ runs it",
    "registry/web/server/service.py": "registry/test_service.py",
    "registry/web/services.py": VALUES,
    "registry/web/sign_in/invitation.py": "registry/web/sign_in/test_mailed_links.py",
    "registry/web/sign_in/new_passwords.py": "registry/web/sign_in/test_configure.py",
    "registry/web/sign_in/security_mail.py": "registry/web/sign_in/test_mailed_links.py",
    "registry/web/sign_in/words.py": "texts: registry/web/server/test_language.py",
    "cli/audit/files.py": IN_AUDIT,
    "cli/audit/household.py": IN_AUDIT,
    "cli/audit/processes.py": IN_AUDIT,
    "cli/audit/stores.py": IN_AUDIT,
    "cli/audit/traffic.py": IN_AUDIT,
    "cli/audit/watch.py": IN_AUDIT,
    "cli/control_client.py": "journeys/test_main_job.py; every journey asks by it",
    "cli/doctor/catalogue.py": IN_DOCTOR,
    "cli/doctor/database.py": IN_DOCTOR,
    "cli/doctor/egress.py": IN_DOCTOR,
    "cli/doctor/finding.py": VALUES,
    "cli/doctor/machine.py": IN_DOCTOR,
    "cli/doctor/network.py": IN_DOCTOR,
    "cli/doctor/page.py": IN_DOCTOR,
    "cli/doctor/port_holders.py": IN_DOCTOR,
    "cli/doctor/redis.py": IN_DOCTOR,
    "cli/doctor/settings.py": IN_DOCTOR,
    "cli/probes.py": IN_DOCTOR,
    "cli/progress.py": "one call of click's, seen on a terminal alone",
    "cli/registry_access.py": "cli/account/test_changes.py; every command opens it",
    "cli/run/control.py": "journeys/test_main_job.py sends it nonsense",
    "cli/run/embedded_redis.py": "cli/run/test_up.py starts without one and with one that fails",
    "cli/run/first_account.py": "journeys/test_main_job.py signs in with it",
    "cli/run/installation.py": VALUES,
    "cli/run/privileges.py": "journeys/test_roles.py becomes nobody",
    "cli/run/roles.py": "journeys/test_roles.py",
    "cli/run/starting.py": IN_FAULTS,
    "cli/status.py": "journeys/test_main_job.py",
    "cli/zones/loading.py": "cli/zones/test_catalogue.py",
    "cli/zones/trace.py": "journeys/test_main_job.py follows an address",
    "zones/explain.py": "cli/zones/test_explain.py",
    "zones/importing/adguard.py": IN_FORMATS,
    "zones/importing/clash.py": IN_FORMATS,
    "zones/importing/dnsmasq.py": IN_FORMATS,
    "zones/importing/gather.py": IN_FORMATS,
    "zones/importing/lines.py": IN_FORMATS,
    "zones/importing/rpz.py": IN_FORMATS,
    "zones/importing/uklans.py": IN_FORMATS,
    "zones/index.py": "zones/test_catalog.py against a naive matcher",
    "zones/problems.py": VALUES,
    "zones/service_file.py": "zones/test_load.py makes each mistake",
}
"""Module -> why it has no test file of its name, and what proves it; paths are below tests/."""


def modules() -> list[str]:
    """Give the modules of the product; migrations are proven together, on both databases."""
    return sorted(
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and "versions" not in path.parts
    )


def file_for(module: str) -> Path:
    """Give where the tests of a module are."""
    path = Path(module)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("module", modules())
def test_a_module_has_a_test_file_of_its_name_or_a_reason(module: str) -> None:
    """Whoever changes it finds its tests; one that got a file leaves the list."""
    assert file_for(module).exists() is (module not in WITHOUT), WITHOUT.get(module)


def test_every_reason_is_about_a_module_and_names_tests_that_exist() -> None:
    """A moved module or test takes its line along."""
    assert set(WITHOUT) <= set(modules())
    for module, reason in WITHOUT.items():
        assert reason, module
        for path in re.findall(r"[\w/]+\.py", reason):
            assert (ROOT / "tests" / path).exists(), f"{module}: {path}"
