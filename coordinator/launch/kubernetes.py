"""A manifest for Kubernetes: plain objects that need no operator, as text for ``kubectl apply``.

The pods of a StatefulSet have names that are known beforehand, so the list of workers is part of
the manifest. What names things is quoted as JSON, which YAML takes as it is.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Final

from coordinator.launch.folder import TOKEN_BYTES

MANIFEST: Final = """\
# {workers} workers for tilefan. This has their token: apply it, and keep no copy.
#
#   coord up k8s -n {workers} --image ... | kubectl apply -f -
#   kubectl rollout status statefulset/tilefan
#   kubectl delete statefulset,service,secret,configmap -l app.kubernetes.io/name=tilefan
#
# A coordinator is any pod with this image in the same namespace, with TILEFAN_TOKEN from the secret
# and the config map as a folder. The token and the tiles cross the cluster's network as they are.
apiVersion: v1
kind: Secret
metadata:
  name: tilefan
  labels: {labels}
stringData:
  token: {token}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: tilefan
  labels: {labels}
data:
  hosts.toml: |
    hosts = {hosts}
---
apiVersion: v1
kind: Service
metadata:
  name: tilefan
  labels: {labels}
spec:
  clusterIP: None
  selector: {labels}
  ports:
    - port: {port}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: tilefan
  labels: {labels}
spec:
  serviceName: tilefan
  replicas: {workers}
  podManagementPolicy: Parallel
  selector:
    matchLabels: {labels}
  template:
    metadata:
      labels: {labels}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      containers:
        - name: worker
          image: {image}
          command: [worker, --port, "{port}", --threads, "{threads}", --allow-host, $(POD).tilefan]
          env:
            - name: POD
              valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}
            - name: TILEFAN_TOKEN
              valueFrom: {{secretKeyRef: {{name: tilefan, key: token}}}}
          ports:
            - containerPort: {port}
          readinessProbe:
            tcpSocket: {{port: {port}}}
          resources:
            requests: {{cpu: "{threads}"}}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {{drop: [ALL]}}
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            runAsUser: 1000
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest is made of.

    Parameters
    ----------
    image : str
    workers : int
    threads : int
        Of each; so many CPUs are asked for.
    port : int
    """

    image: str
    workers: int = 2
    threads: int = 4
    port: int = 8080

    def text(self) -> str:
        """Return it, with a new token."""
        hosts = [f"tilefan-{number}.tilefan:{self.port}" for number in range(self.workers)]
        return MANIFEST.format(
            image=json.dumps(self.image),
            workers=self.workers,
            threads=self.threads,
            port=self.port,
            hosts=json.dumps(hosts),
            token=json.dumps(secrets.token_urlsafe(TOKEN_BYTES)),
            labels='{"app.kubernetes.io/name": tilefan}',
        )
