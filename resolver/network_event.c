#include "network_event.h"
