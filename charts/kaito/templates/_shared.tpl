{{/* Templates that the subcharts share. Each takes the subchart's own context unless it says more. */}}

{{/* The chart's name in labels. */}}
{{- define "kaito.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The name of the objects. Services allow 63 characters. */}}
{{- define "kaito.fullname" -}}
{{ .Values.fullnameOverride | default (printf "%s-%s" .Release.Name (include "kaito.name" .)) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Part of every Deployment's selector, which is immutable: changing a key breaks upgrades. */}}
{{- define "kaito.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kaito.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The labels of every object except for its app.kubernetes.io/name. */}}
{{- define "kaito.releaseLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: kaito
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{- define "kaito.labels" -}}
app.kubernetes.io/name: {{ include "kaito.name" . | quote }}
{{ include "kaito.releaseLabels" . }}
{{- end }}

{{/*
A map of texts: dict "name" NAME "texts" MAP. values.schema.json refuses numbers; this refuses them
where Helm skips the schema (--skip-schema-validation), because YAML has already changed some of
them: 1.10 is 1.1.
*/}}
{{- define "kaito.texts" -}}
{{- $name := .name -}}
{{- range $key, $value := .texts }}
{{- if not (kindIs "string" $value) }}
{{- fail (printf "%s.%s is a %s, not a text: put it in quotes" $name $key (kindOf $value)) }}
{{- end }}
{{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* The image of a service: dict "root" . "service" NAME "image" {repository, tag, digest}. */}}
{{- define "kaito.image" -}}
{{- $global := .root.Values.global.image -}}
{{- $repository := .image.repository -}}
{{- if not $repository -}}
{{- if not $global.registry -}}
{{- fail (printf "global.image.registry is empty, and no image of %s is set: no images of Kaito are published. Build and push your own (docs/installation.md#images), then name their registry: --set global.image.registry=myacr.azurecr.io/kaito" .service) -}}
{{- end -}}
{{- $repository = printf "%s/%s" $global.registry .service -}}
{{- end -}}
{{- range $tag := list .image.tag $global.tag -}}
{{- if not (or (kindIs "string" $tag) (kindIs "invalid" $tag)) -}}
{{- fail (printf "the image tag of %s is a %s, not a text: put it in quotes" $.service (kindOf $tag)) -}}
{{- end -}}
{{- end -}}
{{- $digest := .image.digest -}}
{{- if not (or $digest .image.tag) -}}
{{- $digest = get ($global.digests | default dict) .service -}}
{{- end -}}
{{- if $digest -}}
{{- printf "%s@%s" $repository $digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default $global.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* The annotations and labels of the pods. */}}
{{- define "kaito.podMetadata" -}}
{{- with .Values.podAnnotations }}
annotations: {{- include "kaito.texts" (dict "name" "podAnnotations" "texts" .) | indent 2 }}
{{- end }}
labels:
  {{- include "kaito.labels" . | nindent 2 }}
  {{- /* Under any name: the NetworkPolicies of model pods let the controller in by this label. */}}
  app.kubernetes.io/component: {{ .Chart.Name }}
  {{- with .Values.podLabels }}
  {{- include "kaito.texts" (dict "name" "podLabels" "texts" .) | indent 2 }}
  {{- end }}
{{- end }}

{{/*
Every entry of `settings` as the variable of the same name: logLevel -> KAITO_LOG_LEVEL. Numbers of
a values file are floats here; toJson writes whole ones without an exponent.
*/}}
{{- define "kaito.settings" -}}
{{- range $name, $value := .Values.settings }}
- name: KAITO_{{ snakecase $name | upper }}
  {{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if kindIs "string" $value }}
  value: {{ $value | quote }}
  {{- else }}
  value: {{ toJson $value | quote }}
  {{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod and the namespace that a replica runs in. */}}
{{- define "kaito.identity" -}}
- name: KAITO_POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: KAITO_RELEASE_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}

{{- define "kaito.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "kaito.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "kaito.imagePullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "kaito.scheduling" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- include "kaito.texts" (dict "name" "nodeSelector" "texts" .) | indent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- $selected := dict "matchLabels" (include "kaito.selectorLabels" . | fromYaml) }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $own := hasKey . "labelSelector" | ternary (dict) (dict "labelSelector" $selected) }}
  - {{ toYaml (merge (dict) . $own) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- else }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector: {{ toYaml $selected | nindent 12 }}
{{- end }}
{{- end }}

{{- define "kaito.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "kaito.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{ include "kaito.selectorLabels" . | nindent 6 }}
{{- end }}

{{- define "kaito.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "kaito.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{- include "kaito.texts" (dict "name" "serviceAccount.annotations" "texts" .) | indent 4 }}
  {{- end }}
{{- end }}

{{/* Binds the ClusterRole and the Role of the chart's name to its ServiceAccount. */}}
{{- define "kaito.bindings" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ include "kaito.fullname" . | quote }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ include "kaito.fullname" . | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "kaito.fullname" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ include "kaito.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ include "kaito.fullname" . | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "kaito.fullname" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{/* Only one replica acts: the holder of this Lease. */}}
{{- define "kaito.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "kaito.fullname" . | quote }}]
  verbs: [get, update, patch]
# It owns the Lease, so that helm uninstall takes the Lease along.
- apiGroups: [""]
  resources: [serviceaccounts]
  resourceNames: [{{ include "kaito.fullname" . | quote }}]
  verbs: [get]
{{- end }}

{{- define "kaito.httpProbes" -}}
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 1
  failureThreshold: 60
{{- end }}

{{- define "kaito.serviceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "kaito.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels: {{ include "kaito.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: http
      # The label `namespace` of a metric is that of its Workspace, not that of the scraped pod.
      honorLabels: true
{{- end }}
