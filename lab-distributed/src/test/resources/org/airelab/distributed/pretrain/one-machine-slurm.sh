#!/usr/bin/env bash
# Runs a command under a Slurm of its own: one node, this machine, with two processors. Debian: apt-get install
# slurmctld slurmd slurm-client munge. No daemon need be set up, and none is left behind.
#
#   one-machine-slurm.sh FOLDER CONTROLLER-PORT NODE-PORT COMMAND...
set -euo pipefail
folder=$1
controller_port=$2
node_port=$3
shift 3
PATH=$PATH:/usr/sbin
mkdir -p "$folder"/{state,spool,munge}
host=$(hostname -s)
user=$(id -un)
export SLURM_CONF=$folder/slurm.conf
cat > "$SLURM_CONF" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
(umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")

daemons=()
trap 'kill "${daemons[@]}" 2> /dev/null; wait' EXIT
# By force: folders above may be closed to others, whom this Slurm does not serve.
munged --force --foreground --key-file="$folder/munge.key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/munge.log" > "$folder/munge.log" 2>&1 &
daemons+=($!)
until [ -S "$folder/munge/socket" ]; do
    kill -0 "${daemons[0]}" || { cat "$folder/munge.log" >&2; exit 3; }
    sleep 0.05
done
slurmctld -D > "$folder/slurmctld.log" 2>&1 &
daemons+=($!)
slurmd -D > "$folder/slurmd.log" 2>&1 &
daemons+=($!)
for ((i = 0; i < 300; i++)); do
    ! sinfo -h -o %T 2> /dev/null | grep -q idle || break
    sleep 0.1
done
[ $i -lt 300 ] || { tail -n 20 "$folder"/slurm*.log >&2; exit 3; }
"$@"
