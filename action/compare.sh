#!/usr/bin/env bash
# Compares the work tree with the base: annotations on standard output, the comment in a file and in the step's summary.
# Ends with 0 even where something breaks, so that the comment is still written; the last step of action.yml fails then.
set -uo pipefail

report="$RUNNER_TEMP/spandrel-diff.md"
options=(--policy "$POLICY" --fail-on "$FAIL_ON")
[ "$CHECK_VERSION" = true ] && options+=(--check-version)
[ -n "$CONFIG" ] && options+=(--config "$CONFIG")

# A checkout has one commit; the branch that the pull request goes to is fetched where it is not there.
base="$BASE"
if ! git rev-parse --verify --quiet "$base^{commit}" > /dev/null; then
  git fetch --quiet --depth=1 origin "$base" || exit 2
  base=FETCH_HEAD
  # FETCH_HEAD may be written again by whoever fetches next.
  base=$(git rev-parse "$base")
fi

# The command is words, as `npx --no-install spandrel` is.
read -r -a spandrel <<< "$SPANDREL"
"${spandrel[@]}" diff "$base" "${options[@]}" --format markdown > "$report"
status=$?
[ "$status" -le 1 ] || exit "$status"
cat "$report" >> "$GITHUB_STEP_SUMMARY"
"${spandrel[@]}" diff "$base" "${options[@]}" --format github
{
  echo "report=$report"
  echo "failed=$([ "$status" -eq 1 ] && echo true || echo false)"
  echo "breaking=$(grep -q '^#### Breaking' "$report" && echo true || echo false)"
} >> "$GITHUB_OUTPUT"
