#!/usr/bin/env bash
# Train a network on a borrowed GPU within a fixed time, without any network access.
#
#   models/train_full.sh --parts DIR --out DIR --minutes M [--recipe FILE] [--work DIR] [-- OPTION...]
#
# --parts    what was carried along: train/*.tar and val/*.tar of 'lbic train pack', wheels/*.whl
# --out      gets the weights in parts (weights/), log.jsonl and train.log; written every three
#            minutes and at the end
# --minutes  the time of the whole script: unpacking and preparing included
# --recipe   default models/configs/hgrdn-nr-full.toml
# --work     folder for pictures and checkpoint, default a new one in the temporary folder; a
#            prepared folder in it is used again
# OPTION...  is passed on to 'lbic train', such as --init FILE or --threads 1
#
# PYTHON names the Python with PyTorch. docs/training.md has the whole procedure.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
recipe=$repository/models/configs/hgrdn-nr-full.toml
parts='' out='' minutes='' work=''
reserve=8  # seconds for the end of the script

fail() {
  echo "train_full.sh: $1" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  [ "$1" = -- ] && { shift; break; }
  [ $# -ge 2 ] || fail "$1 needs a value"
  case $1 in
    --parts) parts=$2 ;;
    --out) out=$2 ;;
    --minutes) minutes=$2 ;;
    --recipe) recipe=$2 ;;
    --work) work=$2 ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done
[ -n "$parts" ] && [ -n "$out" ] && [ -n "$minutes" ] || fail '--parts, --out and --minutes are needed'
work=${work:-$(mktemp -d)}
mkdir -p "$out" "$work"
role=$(sed -n 's/^role = "\(.*\)"/\1/p' "$recipe")
case $role in
  nr | tr | cas) command=$role ;;
  sr) command=srcnn ;;
  ar | sr-ar) command=arcnn ;;
  *) fail "$recipe: no command trains its role '$role'" ;;
esac

export PYTHONPATH=$work/site:$repository${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
lbic() { "$python" -m lbic "$@"; }
say() { echo "[$SECONDS s] $1"; }

# Unpack and decode one set of pictures; a prepared folder has an index.
prepare() {
  local set=$1
  shift
  [ -f "$work/$set/data/index.json" ] && return
  mkdir -p "$work/$set"
  for part in "$parts/$set"/*.tar; do
    tar -xf "$part" -C "$work/$set"
  done
  lbic train prepare "$work/$set/pictures" --config "$recipe" -o "$work/$set/data" "$@"
}

main() {
  say "machine: $(nproc) cores; $(nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null || echo no GPU)"
  if compgen -G "$parts/wheels/*.whl" >/dev/null; then
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
      --target "$work/site" "$parts"/wheels/*.whl
  fi
  "$python" -c 'import av, sys, torch; print(f"Python {sys.version.split()[0]}, PyTorch {torch.__version__}, PyAV {av.__version__}")'
  say 'preparing the validation pictures'
  prepare val --validation
  say 'preparing the training pictures'
  prepare train
  local left
  left=$("$python" -c "print(f'{max(0, $minutes - ($SECONDS + $reserve) / 60):g}')")
  [ "$left" != 0 ] || fail "no time is left to train: $SECONDS seconds of $minutes minutes are over"
  say "training: $command, $left minutes"
  lbic train "$command" --config "$recipe" --data "$work/train/data" --val "$work/val/data" -o "$work/run" \
    --fit-minutes "$left" --validate-every 1000 --print-every 5 --parts "$out/weights" "$@"
  cp "$work/run/log.jsonl" "$out/"
  say 'end'
}

main "$@" 2>&1 | tee -a "$out/train.log"
