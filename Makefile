# Everything that people and CI run. `make` or `make help` lists the targets.
.DEFAULT_GOAL := help
GO ?= go
RUN ?= .
PROGRAM := databricks-access-audit
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: build
build: ## build bin/databricks-access-audit, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/$(PROGRAM) ./cmd/$(PROGRAM)

.PHONY: release
release: ## programs for each platform, what they are made of and their checksums, in bin/release
	.ci/release

.PHONY: test
test: ## run every test that needs only Go; RUN=pattern narrows
	$(GO) test -run '$(RUN)' ./...

.PHONY: race
race: ## the same under the race detector
	$(GO) test -race -run '$(RUN)' ./...

.PHONY: worlds
worlds: ## the engine against the oracle on a million random worlds; ACCESS_WORLDS=N and ACCESS_SEED=N choose others
	ACCESS_WORLDS=$${ACCESS_WORLDS:-1000000} $(GO) test -timeout 0 -v -run ManyWorlds ./core/access

.PHONY: trouble
trouble: ## plans under trouble: APPLY_SCHEDULES=N simulated lives, APPLY_KILLS=N kills, APPLY_ROUNDS=N races; APPLY_SEED=N
	APPLY_SCHEDULES=$${APPLY_SCHEDULES:-20000} $(GO) test -timeout 0 -v -run 'Schedules|Everywhere|EveryWay' ./core/apply
	APPLY_KILLS=$${APPLY_KILLS:-50} $(GO) test -timeout 0 -parallel 10 -v -run KilledOnTheWay ./cmd/$(PROGRAM)
	APPLY_ROUNDS=$${APPLY_ROUNDS:-20} $(GO) test -timeout 0 -parallel 4 -v -run 'RacingReplicas|StoppedInAWrite' ./core/apply/live

.PHONY: check
check: tidy vet test ## what must pass before a commit; works offline

.PHONY: vet
vet: ## formatting, vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-clean: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: tidy
tidy: ## go.mod and go.sum say what is used
	$(GO) mod tidy -diff

.PHONY: lint
lint: vet ## vet, and the linters of .golangci.yml
	$(GOLANGCI) run ./...
	$(GO) tool deadcode -test ./... | (! grep .)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@for target in $$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
	  for name in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$target/*_test.go | sed 's/func //'); do \
	    echo "fuzz $$target $$name"; \
	    $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$target || exit 1; \
	  done; \
	done

.PHONY: bench
bench: build ## the figures, each printed with its floor or limit
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./core ./core/access/... ./core/analysis ./core/diff ./core/snapshot
	$(GO) test -run '^$$' -bench Closure ./core
	$(GO) test -run '^$$' -bench . -timeout 30m ./cmd/$(PROGRAM)
	$(GO) test -run '^$$' -bench 'HTML|Pictures' ./formatters
	$(GO) test -run '^$$' -bench . -benchtime 2s ./core/ledger

.PHONY: golden
golden: ## rewrite the expected outputs; read the diff as prose
	$(GO) test ./formatters -update
	$(GO) test ./cmd/$(PROGRAM) -update

.PHONY: assets
assets: ## rebuild the script and the style of the HTML report from npm sources
	cd formatters/html && npm ci --no-audit --no-fund --loglevel=error && npm run --silent check && npm run --silent build

.PHONY: browser
browser: build ## drive the HTML reports in Chromium (CHROMIUM=PROGRAM); its pictures go to formatters/html/shots
	.ci/browser

.PHONY: demo
demo: ## the main job, on the embedded sample account
	$(GO) run ./cmd/$(PROGRAM) --sandbox principal alice@acme.test
