{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/*
Values may be those of another chart: `helm upgrade --reuse-values` of a release of the Go operator's chart brings that chart's
values alone, without the defaults of this one. So every value that the other chart has not is read here or with parentheses,
which give nothing where there is nothing.
*/}}
{{/* Name of the operator: part of every label. */}}
{{- define "milvus-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of the Deployment, and beginning of the other names. A release that is called as the chart gives it alone. */}}
{{- define "milvus-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "milvus-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "milvus-operator.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels that select the pods. They can't change in a release that exists. */}}
{{- define "milvus-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "milvus-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "milvus-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "milvus-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Name of the ServiceAccount. */}}
{{- define "milvus-operator.serviceAccountName" -}}
{{- if (.Values.serviceAccount).create }}
{{- default (include "milvus-operator.fullname" .) (.Values.serviceAccount).name }}
{{- else }}
{{- default "default" (.Values.serviceAccount).name }}
{{- end }}
{{- end }}

{{/*
Image of the operator. The Go operator's own image can't be meant: nothing in it can be started by this chart. It comes with
`--reuse-values`, and means that the image was never chosen.
*/}}
{{- define "milvus-operator.image" -}}
{{- if has .Values.image.repository (list "milvusdb/milvus-operator" "docker.io/milvusdb/milvus-operator") }}
{{- printf "milvus-operator:%s" .Chart.AppVersion }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The map `values`, and what of `defaults` it does not have. An explicit false or null stays. */}}
{{- define "milvus-operator.withDefaults" -}}
{{- $result := deepCopy (.values | default dict) }}
{{- range $key, $value := .defaults }}
{{- if not (hasKey $result $key) }}{{ $_ := set $result $key $value }}{{ end }}
{{- end }}
{{- toYaml $result }}
{{- end }}

{{/* What every pod of a restricted namespace must say, where the values don't. */}}
{{- define "milvus-operator.podSecurityContext" -}}
{{- $defaults := dict "runAsUser" 65532 "runAsGroup" 65532 "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- include "milvus-operator.withDefaults" (dict "values" .Values.podSecurityContext "defaults" $defaults) }}
{{- end }}

{{/* The same of its container. */}}
{{- define "milvus-operator.securityContext" -}}
{{- $defaults := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) }}
{{- include "milvus-operator.withDefaults" (dict "values" .Values.securityContext "defaults" $defaults) }}
{{- end }}
