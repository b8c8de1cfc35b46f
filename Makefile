# The commands for developers. The README needs only `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
export PYTHONPATH := $(CURDIR):$(CURDIR)/cli:$(CURDIR)/libs:$(CURDIR)/proto/gen:$(subst $() ,:,$(addprefix $(CURDIR)/services/,workspace-controller gpu-provisioner tuner model-server inference-gateway))
export OMP_NUM_THREADS ?= 1
PY := .venv/bin/python
PY_MODELS := .venv-models/bin/python
CACHE_BIN := $(or $(KAITO_CACHE),$(HOME)/.cache/kaito)/bin
MODEL_TESTS := tests/tuner tests/model_server
# They start both kinds of process, and run for the time given.
PROCESS_TESTS := tests/fuzz tests/soak
N ?= 10000
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 900

# CPU=avx2 makes torch compute as on a CPU without AVX-512 and bfloat16, whatever this CPU has.
ifeq ($(CPU),avx2)
export KAITO_CPU_BFLOAT16 := false
export ATEN_CPU_CAPABILITY := avx2
export ONEDNN_MAX_CPU_ISA := AVX2
endif

.DEFAULT_GOAL := help
.PHONY: demo demo-nodeclaims recording up down help venv venv-models lock crds schemas \
	training-configs training-options protogen docs format check unit unit-models vllm venv-vllm cosign clients clients-light apiserver-test e2e e2e-long test failures bench-controller bench-provisioner bench-gateway bench-routing bench-serving \
	fuzz soak simulate release release-check plugin pants-lint pants-check pants-test package

demo: venv venv-models ## run the documented walkthrough on a real local cluster, from scratch
	$(PY) -m tools.demo

demo-nodeclaims: venv venv-models ## the same, with NodeClaims instead of Machines
	$(PY) -m tools.demo --provisioner nodeclaim

down: venv ## stop the local cluster and the AKS emulator
	-$(PY) -m tools.aks_emulator down --purge
	$(PY) -m tools.local_cluster down

help: ## list these targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-20s %s\n", $$1, $$2}'

venv: ## create the control plane's virtual environment, .venv
	@$(PYTHON) -m tools.venvs control

venv-models: ## create the models' virtual environment, .venv-models (torch on CPU)
	@$(PYTHON) -m tools.venvs models

venv-vllm: ## create the environment of vLLM's server for CPUs, .venv-vllm (2.5 GB)
	@$(PYTHON) -m tools.venvs vllm

lock: ## update requirements/*.lock from requirements/*.txt
	$(PYTHON) -m tools.venvs --lock control models clients vllm vllm-cuda

crds: venv ## generate the CRDs into the charts
	$(PY) -m tools.crdgen

training-configs: venv ## copy the tuner's default training configurations into the chart
	$(PY) -m tools.training_configs

training-options: venv-models ## write down the options of PEFT and TRL that a run may set
	$(PY_MODELS) -m tools.training_options

schemas: venv ## generate values.schema.json of the charts from their values.yaml
	$(PY) -m tools.chartgen

protogen: venv ## generate the gRPC stubs from proto/
	$(PY) -m tools.protogen

docs: venv ## generate docs/reference and the charts' READMEs from types, data and charts
	$(PY) -m tools.docgen

format: venv ## apply ruff's fixes and formatting
	$(PY) -m ruff check --fix-only --quiet . && $(PY) -m ruff format .

check: venv ## run ruff, mypy --strict, the import contracts, and compare the gRPC contracts with the last release's
	$(PY) -m ruff check . && $(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m tools.protocheck

unit: venv ## run the fast tests, without torch and without a cluster
	$(PY) -m pytest -q -m "not cluster" $(addprefix --ignore=,$(MODEL_TESTS) $(PROCESS_TESTS)) -n 2

unit-models: venv venv-models ## test tuner and model-server with small real models
	$(PY_MODELS) -m pytest -q $(MODEL_TESTS)
	$(PY) -m pytest -q $(PROCESS_TESTS)

vllm: venv-models venv-vllm ## run the contract's tests on a real vLLM (CPU), which takes 3 GB and minutes
	$(PY_MODELS) -m tests.model_server.vllm.real

cosign: venv-models ## verify signatures of adapters with cosign itself, in both directions; builds it on first use
	@test -x $(CACHE_BIN)/cosign || GOBIN=$(CACHE_BIN) go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
	PATH=$(CACHE_BIN):$$PATH $(PY_MODELS) -m pytest -q tests/tuner/registry/test_cosign.py

clients: venv venv-models ## run openai, huggingface_hub, LangChain, LiteLLM, curl, grpcurl and a Go client, unmodified
	$(PY) -m tests.clients $(CLIENT)

clients-light: venv venv-models ## the same with openai and huggingface_hub for Python only, as CI does
	$(PY) -m tests.clients openai huggingface_hub

.PHONY: picker-envoy
picker-envoy: venv ## route requests through a real Envoy by the front door's endpoint picker
	$(PY) -m tests.envoy

.PHONY: clients-vllm
clients-vllm: venv venv-models venv-vllm ## ask all that vLLM's server answers, through the gateway and straight, and compare
	$(PY) -m tests.clients.vllm $(KIND)

recording: venv venv-models ## record a newcomer's path, from doctor to cost, on the local cluster
	$(PY) -m tools.demo.recording

up: venv venv-models ## start the local cluster with Kaito installed and no Workspaces
	$(PY) -m tools.demo.cluster

e2e: up ## run the end-to-end tests on the local cluster, starting it if necessary
	$(PY) -m pytest -q -p no:cacheprovider tests/local_cluster tests/aks_emulator tests/e2e -m "cluster and not long"

e2e-long: up ## run the incidents and the engines on the local cluster that take minutes each
	$(PY) -m pytest -q -p no:cacheprovider tests/e2e -m "cluster and long"

apiserver-test: venv ## test controllers and charts on a real API server without nodes; needs no root
	$(PY) -m tools.local_cluster build
	$(PY) -m pytest -q -p no:cacheprovider -m cluster tests/workspace_controller/apiserver \
		tests/gpu_provisioner/apiserver tests/kubectl_kaito/apiserver tests/charts/apiserver

test: check unit unit-models clients-light apiserver-test e2e ## run everything that CI runs

bench-controller: venv ## measure 500 and 2,000 Workspaces at once: time to Machine, CPU, memory
	$(PY) -m tools.local_cluster build
	$(PY) -m benchmarks.controller

bench-provisioner: venv ## measure 100 and 500 claims at once against the AKS emulator: time, calls, memory
	$(PY) -m tools.local_cluster build
	$(PY) -m benchmarks.provisioner

bench-gateway: venv ## measure the gateway beside a bare relay, nginx, Envoy and LiteLLM; ROUNDS=1 is faster
	$(PY) -m benchmarks.gateway --rounds $(or $(ROUNDS),2)

ENGINES ?= --engines
bench-routing: venv venv-models ## compare prefix affinity with least load and round robin on replayed conversations; ENGINES= leaves real engines out
	$(PY) -m benchmarks.routing $(ENGINES)

bench-serving: venv venv-models ## measure the engines beside `transformers serve` and, if `make venv-vllm` installed it, vLLM's own server
	$(PY) -m benchmarks.serving --rounds $(or $(ROUNDS),5)

.PHONY: bench-tuner
bench-tuner: venv venv-models ## measure the tuner beside TRL, plain and at its best; ROWS=200 is faster
	$(PY) -m benchmarks.tuner --rows $(or $(ROWS),500)

.PHONY: bench-plugin
bench-plugin: venv ## measure how long `kubectl kaito` takes to start, and to show 500 Workspaces, beside kubectl
	$(PY) -m benchmarks.plugin

.PHONY: gpu-check
gpu-check: venv ## measure vLLM through every layer and the tuner on an NVIDIA GPU, in under 8 minutes; MODEL=8b is larger
	$(PY) -m benchmarks.gpu --model $(or $(MODEL),1b)

release: venv ## build a release into dist/; TORCH=cpu for clusters without GPUs, REPOSITORY=URL for krew
	$(PY) -m tools.release --torch $(or $(TORCH),cuda) --repository "$(REPOSITORY)"

release-check: venv ## push dist/ to the local registry and install the local cluster from it
	$(PY) -m tools.release.check

failures: venv venv-models ## run every failure scenario on the local cluster and print its condition
	$(PY) -m tools.demo.failures

.PHONY: rollout
rollout: venv venv-models ## replace a model and the front door under load on the local cluster
	$(PY) -m tools.demo.rollout

simulate: venv ## run N random schedules of both controllers with faults; SEED=... prints one
	$(PY) -m tests.simulation $(if $(SEED),--seed $(SEED),--schedules $(N))
	$(if $(SEED),,$(PY) -m tests.simulation --demand --schedules $$(($(N) / 10)))

.PHONY: budgets
budgets: venv ## send 200 clients with one key through three gateways, with a store that dies, and compare the tokens
	$(PY) -m tests.inference_gateway.keys.budget_load

fuzz: venv venv-models ## send random gRPC calls and HTTP requests for FUZZ_SECONDS; SEED=... repeats them
	$(PY) -m tests.fuzz --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED))

soak: venv venv-models ## send mixed load with faults for SOAK_SECONDS, and check every answer
	$(PY) -m tests.soak --seconds $(SOAK_SECONDS)

plugin: venv ## build kubectl kaito into dist/: a wheel, one file, and an archive for krew
	$(PY) -m tools.kubectl_plugin

.PHONY: krew
KREW := sigs.k8s.io/krew/cmd
krew: venv ## install the plugin with krew itself, which also checks the manifest; builds krew with Go on first use
	@test -x $(CACHE_BIN)/krew || GOBIN=$(CACHE_BIN) go install $(KREW)/krew@v0.4.3 $(KREW)/validate-krew-manifest@v0.4.3
	PATH=$(CACHE_BIN):$$PATH $(PY) -m pytest -q tests/kubectl_plugin/test_krew_itself.py

pants-lint: ## run ruff with Pants (needs a Python 3.9, see docs/development.md)
	tools/pants lint ::

pants-check: ## run mypy with Pants
	tools/pants check ::

pants-test: ## run the tests of `make unit` with Pants
	tools/pants --tag=-torch,cluster test ::

package: ## build one runnable file per control-plane service into dist/ with Pants
	tools/pants package services::
