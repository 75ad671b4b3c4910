#!/bin/sh
# The configuration file: what is read, in which order, what is refused.
. "${srcdir:-$(dirname "$0")/..}/t/lib.sh"

mkdir -p "$HOME/.config/rs-writeback"
conf=$HOME/.config/rs-writeback/config
config() { cat >"$conf"; chmod 600 "$conf"; }

fails 'a job without a file' 2 "cannot open '.*/config'" rs-config -j x bucket
run rs-config bucket region
status_is 0 'no file, nothing asked for: fine'
RSW_BUCKET=envbucket run rs-config bucket
out_is 'the environment alone' envbucket

long=$(head -c 2000 /dev/zero | tr '\0' x)
config <<E
; a comment
[account a]
bucket = one
region = eu-west-1
ssh_hostname = bastion ; not # a comment
prefix = $long
database_password = geheim
certificate = -----BEGIN
  line 2

  line 3
[job with blank]
account = a
bucket = two
E
run rs-config -a a bucket region ssh_port ssh_hostname iam_role
out_is 'account values and defaults' 'one
eu-west-1
22
bastion ; not # a comment
'
run rs-config -j 'with blank' bucket region account
out_is 'a job outranks its account' 'two
eu-west-1
a'
RSW_BUCKET=three AWS_REGION=us-west-2 run rs-config -j 'with blank' bucket region
out_is 'the environment outranks the job' 'three
us-west-2'
run rs-config -a a prefix
out_is 'a long line is whole' "$long"
run rs-config -a a certificate
out_is 'a value of several lines' '-----BEGIN
line 2
line 3'
run rs-config -l
out_is 'the list of jobs' 'with blank'
run rs-config -l -l
out_is 'the list of accounts' a
fails 'a secret is not printed' 2 "cannot print 'database_password'" \
	rs-config -a a database_password
run rs-config -j 'with blank'
out_like 'all in force, with the origin' "^; \[job with blank\] of '.*', line 14$"
out_like 'the secret as ***' '^database_password = \*\*\*$'
ok 'no secret in the list' t_unlike geheim out
cp out want
run rs-writeback --config 'with blank'
out_same 'rs-writeback --config' want

chmod 640 "$conf"
fails 'a file that others can read' 2 "others can read it \(mode 0640\); run: chmod 600" \
	rs-config -a a bucket
chmod 600 "$conf"
fails 'an unknown account' 2 "cannot find \[account b\] in" rs-config -a b bucket
fails 'an unknown job' 2 "cannot find \[job b\] in" rs-config -j b bucket

config <<E
[account a]
bukcet = one
E
fails 'an unknown key' 2 "line 2: unknown key 'bukcet'; did you mean 'bucket'\?" \
	rs-config -a a bucket
config <<E
[account a]
bucket = one
bucket = two
E
fails 'a key set twice' 2 "line 3: 'bucket' is set already in line 2" rs-config -a a bucket
config <<E
bucket = one
E
fails 'a key before a section' 2 'line 1: a key stands before the first section' \
	rs-config bucket
config <<E
[acount a]
E
fails 'a wrong section' 2 "a section is '\[account NAME\]' or '\[job NAME\]'" rs-config bucket
config <<E
[job -x]
E
fails 'a name like an option' 2 "line 1: a name that begins with '-'" rs-config bucket
config <<E
[account a]
what is this
E
fails 'a line that is none' 2 'line 2: neither a \[section\] nor KEY = VALUE' \
	rs-config -a a bucket

config <<E
[account a]
bucket_file = name
region_command = echo us-\`echo east\`-1
prefix_command = exit 3
s3_tags_command = yes | head -n 1
schema_name_file = gone
E
printf 'frompath\n' >"${conf%/*}/name"
run rs-config -a a bucket region
out_is 'values from a file and a command' 'frompath
us-east-1'
run rs-config -a a s3_tags
out_is 'a command whose writer is not read to its end' y
err_empty 'which it does not complain about'
fails 'a command that fails' 2 "cannot use the command of 'prefix' (.*line [0-9]*.*): it ended with status 3" \
	rs-config -a a prefix
fails 'a file that is not there' 2 "cannot open '.*/gone'" rs-config -a a schema_name
err_like 'its key and line are told' "'schema_name_file' \(\[account a\] of '.*', line 6\)"

printf '\357\273\277[account a]\r\nbucket\t=\tone\r\n\r\n' | config
run rs-config -a a bucket
out_is 'a byte order mark, CRLF and tabs' one
printf '    [account a]\n    bucket = one\n' | config
fails 'an indented section' 2 'line 1: it begins with a blank' \
	rs-config -a a bucket
printf '[account a]\n  ; fine\n \n  bucket = one\n  region = r\n' | config
fails 'an indented key' 2 'line 4: it begins with a blank' \
	rs-config -a a bucket

slip() { fails "$1" 2 "line $2: .*would be a second line of '$3' above" rs-config -a a; }
printf '[account a]\nbucket = one\n  region = r\n' | config
slip 'a key indented below another' 3 bucket
printf '[account a]\nssh_private_key = -----BEGIN X-----\n  qUc=\n  -----END X-----\n\tbucket_file=b\n' | config
slip 'below a PEM text, with a tab, by its file' 5 ssh_private_key
printf '[account a]\nbucket_file = one\n  region_command = echo r\n' | config
slip 'a command below a file' 3 bucket_file
printf '[job j]\npre_sql = UPDATE t SET\n  level = 3\nregion_command = a=1\n  level = 4; jobs = 5\n  echo r\n' | config
run rs-config -j j pre_sql
out_is 'SQL may look like a key' 'UPDATE t SET
level = 3'
config <<E
[account a]
bukcet_file = one
E
fails 'an unknown key of a file' 2 "line 2: unknown key 'bukcet_file'; did you mean 'bucket'" \
	rs-config -a a bucket
config <<E
[account a]
[job j]
account = a
E
fails 'what a job lacks is to be set there' 2 \
	"'dataset_id': set it in \[job j\] of '.*', or set RSW_DATASET_ID" domo-cat -j j
fails 'what its account lacks, in the account' 2 \
	"'domo_client_id': set it in \[account a\] of '.*'" domo-cat -j j x
printf 'a\n1\n' >in
fails 'nothing chosen' 2 "'bucket': choose an account or a job that has it" s3-stage

for p in rs-config; do
	run $p --version
	out_like "$p --version" "^$p \(rs-writeback\) [0-9.]+$"
	run $p -h
	out_like "$p -h" "^usage: $p"
	fails "$p: unknown option" 2 "unknown option '--wrong'" $p --wrong
	fails "$p: option without its value" 2 "option '-a' needs a value" $p -a
done
run sh -c 'rs-config bucket -o >/dev/full'
status_is 2 'options and keys together'
run sh -c 'rs-config -h >/dev/full'
status_is 1 'a full disk is noticed'
err_like 'and said' 'cannot write the output: No space left on device'
done_testing
