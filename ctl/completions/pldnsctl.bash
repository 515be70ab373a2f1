# Bash completion for pldnsctl(1).
# shellcheck shell=bash

# The ids of the connections in the directory that the command line names.
_pldnsctl_ids() {
    local directory=() i
    for ((i = 1; i < COMP_CWORD - 1; i++)); do
        case ${COMP_WORDS[i]} in
        --attachments | -a) directory=(--attachments "${COMP_WORDS[i + 1]}") ;;
        esac
    done
    pldnsctl list "${directory[@]}" --no-color 2>/dev/null | sed -e 1d -e 's/ .*//'
}

_pldnsctl_options() {
    local everywhere='--output --no-color --help --version' daemon='--server --timeout'
    local writer="$daemon --attachments --config --no-wait --cluster-id --private-link-connection-id --id"
    case $1 in
    '') echo "$everywhere $daemon --attachments" ;;
    status | reload) echo "$everywhere $daemon" ;;
    check) echo "$everywhere --attachments --config --strict" ;;
    explain) echo "$everywhere $daemon --attachments --config --owned --client" ;;
    wait) echo "$everywhere $daemon --generation --document --name" ;;
    flush) echo "$everywhere $daemon --subtree" ;;
    list | zones) echo "$everywhere --attachments --config --cluster-id" ;;
    get | describe) echo "$everywhere --attachments --config --cluster-id --private-link-connection-id --id" ;;
    create)
        echo "$everywhere $writer --display-name --type --aws.endpoint-service-name --aws.endpoint-service-region \
            --alicloud.endpoint-service-name --endpoint --endpoint-dns --file --dry-run"
        ;;
    delete) echo "$everywhere $writer --force --yes" ;;
    attach-domains) echo "$everywhere $writer --type --unique-name --domain --region --cloud --project-id --dry-run" ;;
    detach-domains) echo "$everywhere $writer --attach-domain-id --unique-name --dry-run" ;;
    diff) echo "$everywhere --config" ;;
    import) echo "$everywhere $writer --zone-id --dry-run" ;;
    *) echo "$everywhere" ;;
    esac
}

_pldnsctl_value() { # what stands behind an option; false: this one takes no value
    case $1 in
    --output | -o) echo 'table json yaml' ;;
    --type)
        case $2 in
        create)
            echo 'AWS_ENDPOINT_SERVICE ALICLOUD_ENDPOINT_SERVICE AZURE_PRIVATE_LINK_SERVICE GCP_SERVICE_ATTACHMENT
                VPC_RESOURCE MSK_MULTI_VPC VPC_ENDPOINT_SERVICE'
            ;;
        *) echo 'TIDBCLOUD_MANAGED TIDBCLOUD_DEDICATED CONFLUENT CUSTOM' ;;
        esac
        ;;
    --cloud) echo 'aws alicloud azure gcp' ;;
    --id | --private-link-connection-id) _pldnsctl_ids ;;
    --server | -s | --client | --generation | --document | --name | --timeout | -t | --cluster-id | -c | --display-name | \
        --aws.endpoint-service-name | --aws.endpoint-service-region | --alicloud.endpoint-service-name | --endpoint | \
        --endpoint-dns | --unique-name | --domain | --region | --project-id | --attach-domain-id | --zone-id) ;;
    --attachments | -a | --config | --file | -f) ;;
    *) return 1 ;;
    esac
}

_pldnsctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word i
    local commands='status check explain reload wait flush list get describe zones create delete attach-domains
        detach-domains diff import version help'

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        -*) if _pldnsctl_value "$word" x >/dev/null; then i=$((i + 1)); fi ;;
        *)
            command=$word
            break
            ;;
        esac
    done

    case $previous in
    --attachments | -a)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --file | -f)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    if word=$(_pldnsctl_value "$previous" "$command"); then
        mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
        return
    fi
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_pldnsctl_options "$command")" -- "$current")
        return
    fi
    case $command in
    '' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
    check | diff | import) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    explain) mapfile -t COMPREPLY < <(compgen -W 'A AAAA TXT MX SRV HTTPS SVCB SOA NS' -- "$current") ;;
    get | describe | delete | attach-domains | detach-domains)
        mapfile -t COMPREPLY < <(compgen -W "$(_pldnsctl_ids)" -- "$current")
        ;;
    esac
}

complete -F _pldnsctl pldnsctl
