"""Workload identity, for `Client(workload_identity=...)`: who a program is where it runs, in place of a key."""

from __future__ import annotations

from ._errors import OAuthError, SubjectTokenProviderError
from ._providers.subject import (
    SubjectTokenProvider,
    azure_managed_identity_token_provider,
    gcp_id_token_provider,
    k8s_service_account_token_provider,
)
from ._providers.workload import WorkloadIdentity, WorkloadIdentityAuth, X509WorkloadIdentity, x509_workload_identity

SubjectTokenWorkloadIdentity = WorkloadIdentity

__all__ = [
    "OAuthError",
    "SubjectTokenProvider",
    "SubjectTokenProviderError",
    "SubjectTokenWorkloadIdentity",
    "WorkloadIdentity",
    "WorkloadIdentityAuth",
    "X509WorkloadIdentity",
    "azure_managed_identity_token_provider",
    "gcp_id_token_provider",
    "k8s_service_account_token_provider",
    "x509_workload_identity",
]
