{{- define "muster-agent.labels" -}}
app.kubernetes.io/part-of: muster
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "muster-agent.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "muster-agent.secret" -}}
{{ .Values.join.existingSecret | default "muster-agent-join" }}
{{- end }}

{{- define "muster-agent.ageSecret" -}}
{{ .Values.secrets.existingSecret | default "muster-agent-age" }}
{{- end }}

{{/* The rules for kinds such as "deployments.apps": one rule an API group. */}}
{{- define "muster-agent.rules" -}}
{{- $groups := dict }}
{{- range . }}
{{- $parts := splitn "." 2 . }}
{{- $group := $parts._1 | default "core" }}
{{- $_ := set $groups $group (append (get $groups $group | default list) $parts._0) }}
{{- end }}
{{- range $group, $resources := $groups }}
- apiGroups: [{{ eq $group "core" | ternary "" $group | quote }}]
  resources: {{ $resources | uniq | sortAlpha | toJson }}
  verbs: [get, list, watch, create, update, patch, delete]
{{- end }}
{{- end }}
