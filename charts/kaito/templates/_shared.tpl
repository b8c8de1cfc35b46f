{{/* What the subcharts share. Each takes the subchart's own context. */}}

{{- define "kaito.name" -}}
{{ .Release.Name }}-{{ .Chart.Name | trunc 40 }}
{{- end }}

{{- define "kaito.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kaito.labels" -}}
{{ include "kaito.selectorLabels" . }}
app.kubernetes.io/part-of: kaito
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The image of a service: dict "root" . "service" NAME "image" {repository, tag}. */}}
{{- define "kaito.image" -}}
{{- $global := .root.Values.global.image -}}
{{- $repository := .image.repository | default (printf "%s/%s" $global.registry .service) -}}
{{- printf "%s:%s" $repository (.image.tag | default $global.tag | default .root.Chart.AppVersion) -}}
{{- end }}

{{/* Every entry of `settings` as the variable of the same name: logLevel -> KAITO_LOG_LEVEL. */}}
{{- define "kaito.settings" -}}
{{- range $name, $value := .Values.settings }}
- name: KAITO_{{ snakecase $name | upper }}
  {{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if kindIs "map" $value }}
  value: {{ toJson $value | quote }}
  {{- else if kindIs "float64" $value }}
  value: {{ $value | toJson | quote }}
  {{- else }}
  value: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Who and where a replica is. */}}
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

{{- define "kaito.scheduling" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{ include "kaito.selectorLabels" . | nindent 14 }}
{{- end }}

{{- define "kaito.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "kaito.name" . }}
  namespace: {{ .Release.Namespace }}
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
  name: {{ include "kaito.name" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Binds the ClusterRole and the Role of the chart's name to its ServiceAccount. */}}
{{- define "kaito.bindings" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ include "kaito.name" . }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ include "kaito.name" . }}
subjects:
  - kind: ServiceAccount
    name: {{ include "kaito.name" . }}
    namespace: {{ .Release.Namespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ include "kaito.name" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ include "kaito.name" . }}
subjects:
  - kind: ServiceAccount
    name: {{ include "kaito.name" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{/* Only one replica acts: the holder of this Lease. */}}
{{- define "kaito.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "kaito.name" . }}]
  verbs: [get, update, patch]
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
  name: {{ include "kaito.name" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{ include "kaito.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels: {{ include "kaito.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: http
{{- end }}
