#include "chain.h"
