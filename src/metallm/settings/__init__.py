"""All settings, read in one place: arguments > environment > metallm.toml > defaults."""

from metallm.settings.reading import DEFAULT_PATH, Settings, load_settings, tasks_of
from metallm.settings.sections import (
    AuditSettings,
    CacheSettings,
    GatewaySettings,
    HedgeSettings,
    JudgeSettings,
    OtelSettings,
    ProviderSettings,
    RouterSettings,
    StoreSettings,
)
from metallm.settings.tables import (
    AliasSettings,
    ArmSettings,
    EmbeddingSettings,
    ExampleSettings,
    TaskSettings,
    TierSettings,
)

__all__ = [
    "DEFAULT_PATH",
    "AliasSettings",
    "ArmSettings",
    "AuditSettings",
    "CacheSettings",
    "EmbeddingSettings",
    "ExampleSettings",
    "GatewaySettings",
    "HedgeSettings",
    "JudgeSettings",
    "OtelSettings",
    "ProviderSettings",
    "RouterSettings",
    "Settings",
    "StoreSettings",
    "TaskSettings",
    "TierSettings",
    "load_settings",
    "tasks_of",
]
