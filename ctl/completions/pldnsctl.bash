# Bash completion for pldnsctl(1).
# shellcheck shell=bash

_pldnsctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='status check explain reload wait flush version help'
    local everywhere='--output --no-color --help --version'
    local daemon='--server --timeout'
    local command='' word i

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --server | --attachments | --output | --client | --generation | --document | --name | \
            --timeout | -s | -a | -o | -t) i=$((i + 1)) ;;
        -*) ;;
        *)
            command=$word
            break
            ;;
        esac
    done

    case $previous in
    --output | -o)
        mapfile -t COMPREPLY < <(compgen -W 'table json yaml' -- "$current")
        return
        ;;
    --attachments | -a)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --server | -s | --client | --generation | --document | --name | --timeout | -t)
        return
        ;;
    esac

    local options=$everywhere
    case $command in
    '') options="$everywhere $daemon --attachments" ;;
    status | reload) options="$everywhere $daemon" ;;
    check) options="$everywhere --attachments --strict" ;;
    explain) options="$everywhere $daemon --attachments --owned --client" ;;
    wait) options="$everywhere $daemon --generation --document --name" ;;
    flush) options="$everywhere $daemon --subtree" ;;
    esac

    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case $command in
    '' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
    check) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    explain) mapfile -t COMPREPLY < <(compgen -W 'A AAAA TXT MX SRV HTTPS SVCB SOA NS' -- "$current") ;;
    esac
}

complete -F _pldnsctl pldnsctl
